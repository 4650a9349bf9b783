//! What of a directory is moved.

/// What of a directory is moved; all of it, unless something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Selection {
    /// What becomes of symbolic links.
    pub links: Links,
    /// Files that only going on with the training needs are left: the state of the optimizer is twice the weights or more.
    pub leave_optimizer: bool,
}

/// What becomes of a symbolic link. None is followed out of the directories that an agent serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Links {
    /// A link to a file comes as that file; others are left, and named.
    #[default]
    Follow,
    /// Each is left, and named.
    Refuse,
    /// A link that stays within the directory comes as a link; others are left, and named.
    Keep,
}

impl Links {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Follow => 0,
            Self::Refuse => 1,
            Self::Keep => 2,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Follow,
            1 => Self::Refuse,
            2 => Self::Keep,
            _ => return None,
        })
    }
}

/// Whether a name is one that trainers give to what only going on needs: the states of optimizer, schedule, gradient scaler
/// and random numbers.
///
/// `optimizer`, `scheduler` and `scaler` with a number or none are those of transformers (`trainer.py`: `optimizer.pt`,
/// `optimizer.bin`, `scheduler.pt`, `scaler.pt`) and accelerate (`utils/constants.py`: `optimizer`, `scheduler`, `scaler.pt`,
/// and the directory `optimizer_0` under FSDP); so are `rng_state*.pth` and `random_states_*.pkl`. DeepSpeed's
/// `zero_to_fp32.py` finds its shards as `*_optim_states.pt`.
pub(crate) fn is_training_state(name: &str, directory: bool) -> bool {
    if !directory && name.ends_with("_optim_states.pt") {
        return true;
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) => (stem, Some(extension)),
        None => (name, None),
    };
    let numbered = |what: &str| {
        stem.strip_prefix(what).is_some_and(|rest| {
            rest.is_empty()
                || rest.strip_prefix('_').is_some_and(|number| {
                    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
                })
        })
    };
    match extension {
        None => directory && numbered("optimizer"),
        Some("pt" | "bin" | "safetensors") => {
            !directory
                && ["optimizer", "scheduler", "scaler"]
                    .into_iter()
                    .any(numbered)
        }
        Some("pth") => !directory && numbered("rng_state"),
        Some("pkl") => !directory && numbered("random_states"),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trainers_names_are_known_and_weights_are_not_taken_for_them() {
        for name in [
            "optimizer.pt",
            "optimizer.bin",
            "optimizer_1.bin",
            "optimizer.safetensors",
            "scheduler.pt",
            "scaler.pt",
            "rng_state.pth",
            "rng_state_12.pth",
            "random_states_0.pkl",
            "bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt",
        ] {
            assert!(is_training_state(name, false), "{name}");
            assert!(!is_training_state(name, true), "{name}");
        }
        assert!(is_training_state("optimizer_0", true) && is_training_state("optimizer", true));
        for name in [
            "pytorch_model.bin",
            "model.safetensors",
            "mp_rank_00_model_states.pt",
            "trainer_state.json",
            "scheduler_config.json",
            "optimizer",
            "optimizer_notes.pt",
            "__0_0.distcp",
        ] {
            assert!(!is_training_state(name, false), "{name}");
        }
    }

    #[test]
    fn codes_read_back() {
        for links in [Links::Follow, Links::Refuse, Links::Keep] {
            assert_eq!(Links::from_code(links.code()), Some(links));
        }
        assert_eq!(Links::from_code(3), None);
    }
}
