//! The cache gives back what it was given, or says that it can't.

use causeway_domain::Digest;
use causeway_market::{Dialects, Market, PriceList, Regions, cache, import_csv};
use proptest::prelude::*;

use crate::arbitrary::offer;

fn digest() -> Digest {
    Digest::new([7; 32])
}

#[test]
fn the_built_in_market_comes_back_whole() {
    let market = Market::builtin().unwrap();
    let bytes = cache::write(market.offers(), &digest());
    let cached = cache::read(&bytes).unwrap();
    assert!(market.offers().eq(&cached.offers));
    assert_eq!(cached.made_from, digest());
    assert_eq!(cache::made_from(&bytes).unwrap(), digest());
    assert_eq!(
        cache::read(&cache::write([], &digest())).unwrap().offers,
        []
    );
}

#[test]
fn another_version_and_other_bytes_are_refused() {
    let good = cache::write([], &digest());
    let mut newer = good.clone();
    newer[8] = 2;
    assert_eq!(
        cache::read(&newer).unwrap_err().to_string(),
        "the cache of offers can't be read: its version is 2, this program reads 1"
    );
    assert!(cache::read(b"InstanceType,Price\n").is_err());
    let mut long = good.clone();
    long.push(0);
    assert!(cache::read(&long).is_err());
    for length in 0..good.len() {
        assert!(cache::read(&good[..length]).is_err(), "{length}");
    }
}

/// The first version's bytes: a change of the format that forgets its number fails here.
#[test]
fn the_format_is_the_one_that_is_written_down() {
    let list = PriceList {
        cloud: "c",
        file: "c.csv",
        bytes: b"InstanceType,AcceleratorName,AcceleratorCount,vCPUs,Price,SpotPrice,Region\na,H100,8,96,20.5,,r\nb,,,4,0.1,0.05,r\n",
        date: Some("2026-11-24".parse().unwrap()),
    };
    let import = import_csv(&list, &Regions::default(), &Dialects::builtin().unwrap());
    let offers = import.unwrap().whole("c.csv").unwrap().offers;
    let bytes = cache::write(&offers, &digest());
    assert_eq!(&bytes[..10], b"cwoffers\x01\x00");
    let stored = Digest::new(bytes[42..74].try_into().unwrap());
    insta::assert_snapshot!(format!("{} bytes, {stored}", bytes.len()), @r"349 bytes, fdcf97e68099660f45b80ae0e012fc3d39d83ab5fda34d62ceee687f5fb53e2d");
}

proptest! {
    #[test]
    fn offers_come_back_equal(offers in prop::collection::vec(offer(), 0..40)) {
        let bytes = cache::write(&offers, &digest());
        prop_assert_eq!(cache::read(&bytes).unwrap().offers, offers);
    }

    #[test]
    fn a_damaged_byte_is_an_error(
        offers in prop::collection::vec(offer(), 1..8),
        at in any::<prop::sample::Index>(),
        flip in 1u8..=255,
    ) {
        let mut bytes = cache::write(&offers, &digest());
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert!(cache::read(&bytes).is_err());
    }

    /// Past the digest, which a forger can make right: damaged bodies give offers or nothing, and no panic.
    #[test]
    fn a_forged_body_does_not_panic(
        offers in prop::collection::vec(offer(), 1..8),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut body = cache::write(&offers, &digest()).split_off(74);
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let _ = cache::read_unchecked_body(&body);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(cache::read(&bytes).is_err());
        let _ = cache::read_unchecked_body(&bytes);
    }
}
