use super::*;

fn parts(text: &str) -> Parts {
    if han::is_han(text) {
        han::read(text).0
    } else {
        latin::read(text).0
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[test]
fn addresses_are_taken_apart() {
    // text; street, numbers, building, block, floor, room, towns
    for (text, street, numbers, building, block, floor, unit, towns) in [
        (
            "Room 12, 3/F, Sample Industrial Building, 5 Any Street, Kwun Tong, Hong Kong",
            "any",
            "5",
            "sample industrial",
            "",
            "3",
            "12",
            "kwun tong hong kong",
        ),
        (
            "Flat/Rm A, 10/F., Blk B, Harbour Centre, Nos. 25-27 Harbour Road, Wan Chai",
            "harbour",
            "25 27",
            "harbour centre",
            "b",
            "10",
            "a",
            "wan chai",
        ),
        (
            "1 Fusionopolis Way #03-10, Solaris Tower, Singapore 138632",
            "fusionopolis",
            "1",
            "solaris tower",
            "",
            "3",
            "10",
            "singapore",
        ),
        (
            "No.699 Wangshang Rd., Binjiang District, Hangzhou, Zhejiang Province 310052, China",
            "wangshang",
            "699",
            "",
            "",
            "",
            "",
            "binjiang hangzhou zhejiang",
        ),
        (
            "Komitas 26/114, Yerevan, Armenia, AM",
            "komitas",
            "26/114",
            "",
            "",
            "",
            "",
            "yerevan armenia",
        ),
        (
            "Tian Wang te Zi #1, Baqiao District, Xian, China, CN",
            "tian wang te zi",
            "1",
            "",
            "",
            "",
            "",
            "baqiao xian china",
        ),
        (
            "8 Example Avenue, Wuxi",
            "example",
            "8",
            "",
            "",
            "",
            "",
            "wuxi",
        ),
        (
            "ul. Lenina, d. 5, Sankt-Peterburg, Russia",
            "lenina",
            "5",
            "",
            "",
            "",
            "",
            "sankt-peterburg",
        ),
        (
            "浙江省杭州市滨江区网商路699号",
            "网商",
            "699",
            "",
            "",
            "",
            "",
            "浙江 杭州 滨江",
        ),
        (
            "香港九龍觀塘某街5號樣本工業大廈3樓12室",
            "某",
            "5",
            "样本工业",
            "",
            "3",
            "12",
            "香港 九龙 观塘",
        ),
        (
            "深圳市南山区科技中一路腾讯大厦A座三十九层",
            "科技中一",
            "",
            "腾讯",
            "a",
            "39",
            "",
            "深圳 南山",
        ),
        (
            "北京市海淀区中关村南大街5号",
            "中关村南",
            "5",
            "",
            "",
            "",
            "",
            "北京 海淀",
        ),
    ] {
        let found = parts(text);
        assert_eq!(found.street, some(street), "{text}: {found:?}");
        assert_eq!(found.numbers.join(" "), numbers, "{text}: {found:?}");
        assert_eq!(found.building, some(building), "{text}: {found:?}");
        assert_eq!(found.block, some(block), "{text}: {found:?}");
        assert_eq!(found.floor, some(floor), "{text}: {found:?}");
        assert_eq!(found.unit, some(unit), "{text}: {found:?}");
        assert_eq!(found.towns.join(" "), towns, "{text}: {found:?}");
    }
    let boxed = parts("P.O. Box 8140, No. 107 Sepahbod Gharany Ave, Tehran");
    assert_eq!(boxed.post_box.as_deref(), Some("8140"));
    assert_eq!(
        (boxed.street.as_deref(), boxed.numbers.join(" ").as_str()),
        (Some("sepahbod gharany"), "107")
    );
}

fn band(one: &str, listed: &str) -> Option<Band> {
    let meeting = Premises::new(one, None).meets(&Premises::new(listed, None));
    if let Some(meeting) = &meeting {
        assert!(!meeting.why.is_empty());
        assert_eq!(meeting.band, Band::of(meeting.score));
    }
    meeting.map(|meeting| meeting.band)
}

const LISTED: &str = "Room 12, 3/F, Sample Industrial Building, 5 Any Street, Kwun Tong, Hong Kong";

#[test]
fn the_same_room_is_a_hit_however_it_is_written() {
    for text in [
        LISTED,
        "RM 12 3/F SAMPLE INDUSTRIAL BUILDING 5 ANY STREET KWUN TONG, HONG KONG",
        "Unit 12, 3rd Floor, Sample Industrial Bldg., No. 5 Any St., Kowloon, Hong Kong",
        "Flat 012, Level 3, 5 Any Street, Hong Kong",
    ] {
        assert_eq!(band(text, LISTED), Some(Band::Hit), "{text}");
    }
    // The list names all of a building: whoever sits in it.
    assert_eq!(
        band(LISTED, "5 Any Street, Kwun Tong, Hong Kong"),
        Some(Band::Hit)
    );
    assert_eq!(
        band("浙江省杭州市滨江区网商路699号3幢201室", "杭州市网商路699号"),
        Some(Band::Hit)
    );
    assert_eq!(
        band(
            "香港觀塘某街5號樣本工業大廈3樓12室",
            "香港九龙观塘某街5号样本工业大厦3楼12室"
        ),
        Some(Band::Hit)
    );
}

#[test]
fn what_is_not_settled_is_for_a_reviewer() {
    for text in [
        "5 Any Street, Kwun Tong, Hong Kong",
        "Room 14, 3/F, Sample Industrial Building, 5 Any Street, Kwun Tong, Hong Kong",
        "Room 12, 5/F, 5 Any Street, Hong Kong",
        "Sample Industrial Building, Kwun Tong, Hong Kong",
    ] {
        assert_eq!(band(text, LISTED), Some(Band::Review), "{text}");
    }
    // Pinyin and Han of a street: many characters are read alike.
    assert_eq!(
        band(
            "No. 699 Wangshang Road, Binjiang District, Hangzhou, China",
            "浙江省杭州市滨江区网商路699号"
        ),
        Some(Band::Review)
    );
    assert_eq!(
        band(
            "P.O. Box 8140, Tehran, Iran",
            "P.O. Box 8140, No. 107 Sepahbod Gharany Ave, Tehran, Iran"
        ),
        Some(Band::Review)
    );
}

#[test]
fn another_place_meets_nothing() {
    for text in [
        "7 Any Street, Kwun Tong, Hong Kong",
        "5 Other Street, Kwun Tong, Hong Kong",
        "5 Any Street, Singapore",
        "Room 12, 3/F, Other Industrial Building, 5 Some Street, Kwun Tong, Hong Kong",
        "Kwun Tong, Hong Kong",
        "Hong Kong",
        "",
        "Address 7",
    ] {
        assert_eq!(band(text, LISTED), None, "{text}");
    }
    assert_eq!(
        band(
            "5 Main Street, Springfield, US",
            "5 Main Street, Shelbyville, US"
        ),
        None
    );
    assert_eq!(band("宁波市网商路699号", "杭州市网商路699号"), None);
    assert_eq!(band("杭州市网商路69号", "杭州市网商路699号"), None);
}

proptest::proptest! {
    #[test]
    fn any_text_is_an_address(one in "\\PC{0,80}", two in "[a-z0-9号路街楼室#/.,\\- ]{0,60}") {
        for (one, two) in [(&one, &two), (&two, &one), (&two, &two)] {
            let _ = Premises::new(one, None).meets(&Premises::new(two, None));
        }
    }
}
