//! Where: countries that are known, and those that are not.

use std::collections::BTreeSet;

use causeway_domain::Country;
use causeway_parties::{Certainty, Parent};

use super::{Place, Scene, Slot, place};
use crate::ActKind;
use crate::bits::Asked;
use crate::definitions::Field;
use crate::law::{Roles, Row};
use crate::reader::{Reader, any};

impl<'a> Scene<'a> {
    pub(crate) fn destination(&self) -> Place {
        place(self.reading.to, Slot::To)
    }

    pub(crate) fn seat(&self, index: usize, field: Field) -> Place {
        let Some(party) = self.taking(index) else {
            return Place::Nowhere;
        };
        let slot = Slot::Country(index, field);
        match (field, party.registered) {
            (Field::Located, _) => place(&party.stated.located, slot),
            (Field::Parent, _) => match self.parent_country(index) {
                Some(Some(country)) => Place::Known(country),
                Some(None) => Place::Open(slot),
                None => Place::Nowhere,
            },
            (_, None) => Place::Open(slot),
            (Field::Home, Some(registered)) => match &registered.incorporated {
                Some(incorporated) => place(incorporated, slot),
                // Where nobody says otherwise a party is incorporated where it has its headquarters: one unknown, not two.
                None => place(
                    &registered.headquarters,
                    Slot::Country(index, Field::Headquarters),
                ),
            },
            (Field::Headquarters, Some(registered)) => place(&registered.headquarters, slot),
        }
    }

    pub(crate) fn row(&self, country: Country) -> &'a Row {
        self.epoch.row(self.packs, country)
    }

    /// Whether a place has one of these codes or is in one of these groups.
    pub(crate) fn at<R: Reader>(
        &self,
        place: Place,
        asked: Asked<'_>,
        reader: &mut R,
    ) -> Certainty {
        match place {
            Place::Nowhere => Certainty::No,
            Place::Known(country) => {
                let row = self.row(country);
                let held = asked.of(&row.held);
                if (held && !R::EAGER) || !asked.of(&row.review) {
                    return held.into();
                }
                let open = row.review.iter().filter(|token| asked.includes(*token));
                let member = any(reader, open, |reader, token| match u16::try_from(token) {
                    Ok(token) => reader.flag(Slot::Member(country, token)),
                    Err(_) => Certainty::Open,
                });
                member.max(held.into())
            }
            Place::Open(slot) => reader.any_of(slot, asked),
        }
    }

    /// The countries that an unknown can be; `None`: any.
    pub(crate) fn countries(&self, slot: Slot) -> Option<BTreeSet<Country>> {
        match slot {
            Slot::Country(index, Field::Parent) => match self.parent(index) {
                Some(Parent::Unclear { candidates, .. }) => candidates.clone(),
                _ => None,
            },
            Slot::To => self
                .reading
                .not_to
                .map(|not| Country::all().filter(|country| *country != not).collect()),
            _ => None,
        }
    }

    /// Data start where a shipment of data starts; in a compound act where the sender is.
    pub(super) fn data_from<R: Reader>(&self, asked: Asked<'_>, reader: &mut R) -> Certainty {
        match (self.reading.kind, self.act.from) {
            (ActKind::TransferDataset, Some(from)) => self.at(Place::Known(from), asked, reader),
            _ => any(
                reader,
                self.members(Roles::group("sender")),
                |reader, index| self.at(self.seat(index, Field::Located), asked, reader),
            ),
        }
    }
}
