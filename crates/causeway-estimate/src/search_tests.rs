use proptest::prelude::*;

use super::*;
use crate::anatomy::{Anatomy, Known};
use crate::card::{Card, Maker};
use crate::coefficients::Coefficients;
use crate::footprint::GIB;
use crate::step::Batch;

const H100: Card = Card {
    peak: 989e12,
    peak16: 989e12,
    measured: Some(0.8),
    measured16: Some(0.8),
    maker: Maker::Nvidia,
    before_fp8: false,
    fp8: false,
    hbm: 3.35e12,
    memory: 84e9,
    scale_up: 450e9,
    domain: 8.0,
    scale_out: 50e9,
};
const A100: Card = Card {
    peak: 312e12,
    peak16: 312e12,
    measured: Some(0.87),
    measured16: Some(0.87),
    before_fp8: true,
    hbm: 2e12,
    scale_up: 300e9,
    scale_out: 25e9,
    ..H100
};
const WIDTHS: Widths = Widths {
    weight: 2.0,
    gradient: 2.0,
    optimizer: 12.0,
    activation: 2.0,
    kept: 1.0,
    alone: 0.75 * GIB,
    among: 2.0 * GIB,
};

fn batch(sequence: f64, global: f64, given: bool) -> Batch {
    Batch {
        sequence,
        global,
        given,
        half: false,
        backward: 2.0,
        trained: 1.0,
    }
}

fn both(model: &Model<'_>, chips: u32, pinned: &Pinned) -> (Option<Found>, Option<Found>) {
    let run = |prune| {
        Search {
            model,
            widths: &WIDTHS,
            best: None,
            prune,
        }
        .run(chips, pinned)
    };
    (run(true), run(false))
}

fn dense(billions: f64) -> Anatomy {
    Anatomy::of(&Known {
        params_total: billions * 1e9,
        params_active: billions * 1e9,
        ..Known::default()
    })
}

#[test]
fn the_search_divides_what_does_not_fit_one_card() {
    let anatomy = dense(70.0);
    let by = Coefficients::PRIOR;
    let batch = batch(4096.0, 1024.0, true);
    let model = Model {
        anatomy: &anatomy,
        card: &H100,
        batch: &batch,
        by: &by,
    };
    let found = search(&model, &WIDTHS, 64, &Pinned::default()).unwrap();
    assert!(found.fits, "{}", found.layout);
    assert_eq!(found.layout.shards(), 64);
    // Two cards do not hold a terabyte of state.
    let found = search(&model, &WIDTHS, 2, &Pinned::default()).unwrap();
    assert!(!found.fits);
    assert_eq!(found.layout.recompute, Recompute::Full);
    // A layout of more chips than there are is none.
    let pinned = Pinned {
        pipeline: Some(16),
        ..Pinned::default()
    };
    assert!(search(&model, &WIDTHS, 8, &pinned).is_none());
}

#[test]
fn a_batch_is_never_divided_into_less_than_a_sequence() {
    let anatomy = dense(7.0);
    let by = Coefficients::PRIOR;
    let small = batch(4096.0, 4.0, true);
    let model = Model {
        anatomy: &anatomy,
        card: &H100,
        batch: &small,
        by: &by,
    };
    let found = search(&model, &WIDTHS, 64, &Pinned::default()).unwrap();
    // 64 cards on 4 sequences: tokens of the step stay 4 sequences, whatever the layout.
    assert!((found.seconds.sequences - 4.0).abs() < f64::EPSILON);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn pruning_changes_nothing(
        billions in 0.1f64..1_500.0, sparse in any::<bool>(), chips in 1u32..3_000, sequence in 512u32..70_000,
        global in 1u32..4_000, given in any::<bool>(), early in any::<bool>(), stages in prop::option::of(1u32..16),
    ) {
        let anatomy = Anatomy::of(&Known {
            params_total: billions * 1e9,
            params_active: if sparse { billions * 2e8 } else { billions * 1e9 },
            experts: sparse.then_some(64.0),
            per_token: sparse.then_some(6.0),
            ..Known::default()
        });
        let by = Coefficients::PRIOR;
        let batch = batch(f64::from(sequence), f64::from(global), given);
        let model = Model { anatomy: &anatomy, card: if early { &A100 } else { &H100 }, batch: &batch, by: &by };
        let pinned = Pinned { pipeline: stages, ..Pinned::default() };
        let (pruned, whole) = both(&model, chips, &pinned);
        prop_assert_eq!(pruned, whole);
    }

    #[test]
    fn no_other_layout_that_fits_is_faster(billions in 0.5f64..200.0, log_chips in 0u32..10, tensor in 0u32..4, stages in 0u32..4, micro in 0u32..4, recompute in 0usize..3) {
        let anatomy = dense(billions);
        let by = Coefficients::PRIOR;
        let batch = batch(4096.0, 1024.0, true);
        let model = Model { anatomy: &anatomy, card: &H100, batch: &batch, by: &by };
        let chips = 1u32 << log_chips;
        let best = search(&model, &WIDTHS, chips, &Pinned::default()).unwrap();
        let pinned = Pinned {
            tensor: Some(1 << tensor), pipeline: Some(1 << stages), micro_batch: Some(1 << micro),
            recompute: Some(RECOMPUTE[recompute]), sharding: Some(Sharding::Zero1), context: Some(1), expert: Some(1),
        };
        let heads = whole(anatomy.heads);
        // Other divisions are not layouts of this model.
        if !heads.is_multiple_of(1 << tensor) || f64::from(1u32 << stages) > anatomy.layers {
            return Ok(());
        }
        if let Some(other) = search(&model, &WIDTHS, chips, &pinned).filter(|other| other.fits) {
            prop_assert!(best.fits);
            prop_assert!(best.seconds.each() <= other.seconds.each() * (1.0 + 1e-12), "{} is faster than {}", other.layout, best.layout);
        }
    }
}
