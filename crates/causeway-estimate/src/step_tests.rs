use super::*;
use crate::anatomy::Known;

const A100: Card = Card {
    peak: 312e12,
    peak16: 312e12,
    measured: Some(0.87),
    measured16: Some(0.87),
    maker: Maker::Nvidia,
    before_fp8: true,
    fp8: false,
    hbm: 2e12,
    memory: 84e9,
    scale_up: 300e9,
    domain: 8.0,
    scale_out: 25e9,
};
const LAYOUT: Layout = Layout {
    data: 8,
    tensor: 1,
    pipeline: 1,
    expert: 1,
    context: 1,
    sharding: Sharding::Zero1,
    micro_batch: 4,
    recompute: Recompute::None,
};

/// Only products of matrices take time, at the peak.
fn bare() -> Coefficients {
    Coefficients {
        sustained: 1.0 / 0.87,
        wave: 0.0,
        gemm_bytes: 0.0,
        elementwise: 0.0,
        attention_reuse: 1e9,
        layer_launch: 0.0,
        step_overhead: 0.0,
        straggler: 0.0,
        data_exposed: 0.0,
        tensor_exposed: 0.0,
        score_bytes: 0.0,
        bubble: 1.0,
        imbalance: 0.0,
        ..Coefficients::PRIOR
    }
}

fn gpt3() -> Anatomy {
    Anatomy::of(&Known {
        params_total: 174.6e9,
        params_active: 174.6e9,
        layers: Some(96.0),
        hidden: Some(12288.0),
        heads: Some(96.0),
        kv_heads: Some(96.0),
        ffn: Some(49152.0),
        vocab: Some(51200.0),
        ..Known::default()
    })
}

fn step(by: &Coefficients, half: bool, layout: &Layout) -> Seconds {
    let batch = Batch {
        sequence: 2048.0,
        global: 1024.0,
        given: true,
        half,
        backward: 2.0,
        trained: 1.0,
    };
    let anatomy = gpt3();
    let model = Model {
        anatomy: &anatomy,
        card: &A100,
        batch: &batch,
        by,
    };
    model.step_of(layout, &model.layer(layout))
}

/// FLOP of a sequence: Narayanan et al. (2104.04473), section 5.1, with and without recomputation.
fn megatron(recompute: bool) -> f64 {
    let (s, l, h, v) = (2048.0, 96.0, 12288.0, 51200.0);
    if recompute {
        96.0 * s * l * h * h * (1.0 + s / (6.0 * h) + v / (16.0 * l * h))
    } else {
        72.0 * s * l * h * h * (1.0 + s / (6.0 * h) + v / (12.0 * l * h))
    }
}

#[test]
fn unfused_arithmetic_is_what_megatron_counts() {
    for recompute in [false, true] {
        let layout = Layout {
            recompute: if recompute {
                Recompute::Full
            } else {
                Recompute::None
            },
            ..LAYOUT
        };
        let seconds = step(&bare(), true, &layout);
        let flop = seconds.compute * 8.0 * 312e12 / 1024.0;
        let expected = megatron(recompute);
        assert!((flop / expected - 1.0).abs() < 0.003, "{flop} {expected}");
    }
}

#[test]
fn fused_attention_computes_half_of_the_scores() {
    let gap = (step(&bare(), true, &LAYOUT).compute - step(&bare(), false, &LAYOUT).compute)
        * 8.0
        * 312e12;
    // Full: 12 L h s a token; causal with scores computed again on the way back: 2 (1 + 2.5) L h s.
    let expected = 1024.0 * 2048.0 * (12.0 - 7.0) * 96.0 * 12288.0 * 2048.0;
    assert!((gap / expected - 1.0).abs() < 0.01, "{gap} {expected}");
}

#[test]
fn a_pipeline_waits_for_p_minus_one_of_m() {
    let layout = Layout {
        data: 1,
        pipeline: 8,
        micro_batch: 1,
        ..LAYOUT
    };
    let seconds = step(&bare(), false, &layout);
    let busy = seconds.compute + seconds.memory + seconds.scale_out;
    // 7 of 1,024 micro-batches (2104.04473, section 2.2).
    assert!(
        (seconds.bubble / busy - 7.0 / 1024.0).abs() < 2e-4,
        "{}",
        seconds.bubble / busy
    );
    assert!(step(&bare(), false, &LAYOUT).bubble.abs() < f64::EPSILON);
}

#[test]
fn the_parts_add_up_and_smaller_micro_batches_waste_more() {
    let by = Coefficients::PRIOR;
    let seconds = step(&by, false, &LAYOUT);
    let share = |part: f64| part / seconds.total();
    assert!(share(seconds.compute) > 0.6, "{seconds:?}");
    let small = step(
        &by,
        false,
        &Layout {
            micro_batch: 1,
            ..LAYOUT
        },
    );
    assert!(small.each() > seconds.each());
    let divided = |tensor| {
        step(
            &by,
            true,
            &Layout {
                data: 1,
                tensor,
                ..LAYOUT
            },
        )
    };
    // Eight ways of a layer are less than eight times as fast.
    let (one, eight) = (divided(1), divided(8));
    assert!(eight.each() > one.each() / 8.0 && eight.scale_up > 0.0);
}
