//! Legal forms, by what they are and where they exist.

/// A family of legal forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// "Company" and the like, which says no more.
    Company = 1,
    Limited = 2,
    Stock = 4,
    Partnership = 8,
    State = 16,
    Nonprofit = 32,
    Cooperative = 64,
    Branch = 128,
}

impl Form {
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "company" => Self::Company,
            "limited" => Self::Limited,
            "stock" => Self::Stock,
            "partnership" => Self::Partnership,
            "state" => Self::State,
            "nonprofit" => Self::Nonprofit,
            "cooperative" => Self::Cooperative,
            "branch" => Self::Branch,
            _ => return None,
        })
    }
}

/// The forms that a spelling may stand for, or that a name carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Forms {
    families: u8,
    /// One bit for each of 127 buckets of country codes; the top bit is any country.
    countries: u128,
}

const ANYWHERE: u128 = 1 << 127;

impl Forms {
    /// From a row of the table: countries as two letters, comma separated; `*` is any.
    pub(super) fn new(family: Form, countries: &str) -> Self {
        let countries = countries
            .split(',')
            .map(country)
            .fold(0, |all, one| all | one);
        Self {
            families: family as u8,
            countries,
        }
    }

    /// A spelling that has several readings.
    pub(super) fn merge(&mut self, other: Self) {
        self.families |= other.families;
        self.countries |= other.countries;
    }

    /// A name that carries both: "Corp." and "Limited".
    pub(super) fn and(&mut self, other: Self) {
        if self.families == 0 {
            *self = other;
            return;
        }
        self.families |= other.families;
        self.countries = match (
            self.countries & ANYWHERE != 0,
            other.countries & ANYWHERE != 0,
        ) {
            (true, _) => other.countries,
            (_, true) => self.countries,
            _ if self.countries & other.countries != 0 => self.countries & other.countries,
            _ => self.countries | other.countries,
        };
    }

    /// What the legal forms of two names take from the score, in thousandths. Never decisive between two companies of one
    /// place: a register's clerk writes "Co., Ltd." where another writes "Inc.".
    pub(super) fn penalty(self, other: Self) -> u16 {
        let tells = |forms: Self| forms.families & !(Form::Company as u8);
        let (left, right) = (tells(self), tells(other));
        let branch = Form::Branch as u8;
        let mut penalty = 0;
        if (left ^ right) & branch != 0 {
            penalty += 120;
        }
        let (left, right) = (left & !branch, right & !branch);
        // Forms of one country's law, not translations: an AG and a GmbH are two companies.
        let somewhere = (self.countries | other.countries) & ANYWHERE == 0;
        if left == 0 || right == 0 {
            return penalty;
        }
        if left & right == 0 {
            let companies = Form::Limited as u8 | Form::Stock as u8;
            let odd = (left | right) & !companies;
            penalty += if odd & Form::Nonprofit as u8 != 0 {
                250
            } else if odd & Form::State as u8 != 0 {
                80
            } else if odd != 0 {
                60
            } else if somewhere {
                100
            } else {
                15
            };
        }
        if somewhere && self.countries & other.countries == 0 {
            // A Sdn. Bhd. is a company of Malaysia and a Pte. Ltd. one of Singapore: two registers, two companies.
            penalty += 220;
        }
        penalty
    }
}

/// The bit of a country code. Codes are spread over 127 bits by their letters; two that collide are taken for one, which
/// only spares a penalty.
fn country(code: &str) -> u128 {
    match code.trim().as_bytes() {
        [first, second] => {
            let number = u32::from(*first)
                .wrapping_mul(26)
                .wrapping_add(u32::from(*second));
            1_u128 << (number % 127)
        }
        _ => ANYWHERE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_country_agree_and_of_two_do_not() {
        let sdn = Forms::new(Form::Limited, "MY,BN");
        let pte = Forms::new(Form::Limited, "SG");
        let ltd = Forms::new(Form::Limited, "*");
        assert_eq!(sdn.penalty(pte), 220);
        assert_eq!(sdn.penalty(ltd), 0);
        assert_eq!(Forms::default().penalty(pte), 0);
    }

    #[test]
    fn two_forms_of_one_law_differ_more_than_two_translations() {
        let gmbh = Forms::new(Form::Limited, "DE");
        let stock = Forms::new(Form::Stock, "DE,AT");
        let corporation = Forms::new(Form::Stock, "*");
        assert_eq!(gmbh.penalty(stock), 100);
        assert_eq!(gmbh.penalty(corporation), 15);
    }

    #[test]
    fn a_foundation_is_no_company_and_a_branch_no_head_office() {
        let company = Forms::new(Form::Limited, "RU");
        let foundation = Forms::new(Form::Nonprofit, "RU");
        assert!(company.penalty(foundation) >= 200);
        let mut branch = company;
        branch.and(Forms::new(Form::Branch, "*"));
        assert!(company.penalty(branch) >= 100);
    }
}
