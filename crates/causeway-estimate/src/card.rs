//! One accelerator of a fleet, as plain numbers.

use causeway_market::{Accelerator, NumberFormat};

use crate::Precision;

/// Who makes it, as far as the software differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    Nvidia,
    Google,
    Huawei,
    Other,
}

/// Rates of one accelerator and of its links. Unit: FLOP/s, bytes/s, bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Card {
    /// Dense peak of the format of the linear layers.
    pub(crate) peak: f64,
    /// Dense peak in 16 bits: attention and the output projection stay there.
    pub(crate) peak16: f64,
    /// Best measured product of matrices as a share of the peak, in both formats.
    pub(crate) measured: Option<f64>,
    pub(crate) measured16: Option<f64>,
    pub(crate) maker: Maker,
    /// Of the generation before 8-bit floats, whose software is older.
    pub(crate) before_fp8: bool,
    /// Whether linear layers run in 8 bits.
    pub(crate) fp8: bool,
    pub(crate) hbm: f64,
    /// What the card holds; see [`HELD`].
    pub(crate) memory: f64,
    pub(crate) scale_up: f64,
    /// Accelerators of the fleet in one scale-up domain.
    pub(crate) domain: f64,
    /// To other domains, for each accelerator.
    pub(crate) scale_out: f64,
}

/// Cards with stacked memory hold binary gigabytes less a hundredth or two: an `80 GB` card 79.2 GiB, 1.06 times what
/// the decimal figure says. Others hold what they say.
const HELD: f64 = 1.056;
/// Memory rate from which the memory is taken as stacked; that of Google's and Huawei's parts always is. Unit: bytes/s.
const STACKED: f64 = 1.1e12;
/// Where no scale-up rate is published: a PCIe 4.0 slot, one direction. Unit: bytes/s.
const SLOT: f64 = 31e9;
/// Where no rate between nodes is published: 100 Gbit/s for each accelerator, the low end of reference nodes.
const NETWORK: f64 = 100e9 / 8.0;
/// Where no memory rate is published: 5 bytes for 1,000 FLOP, about that of H100 and A100.
const BYTES_PER_FLOP: f64 = 0.005;

/// The card, and what of it is not published and was assumed. The error says what makes an answer impossible.
pub(crate) fn card(
    part: &Accelerator,
    precision: Precision,
    per_node: u32,
    total: u32,
    scale_out: Option<f64>,
) -> Result<(Card, Vec<String>), String> {
    let wanted = precision.number_format();
    let peak_of = |format| part.peak(format).map(|peak| peak.get() * 1e12);
    let sixteen = [NumberFormat::Bf16, NumberFormat::Fp16]
        .into_iter()
        .find(|format| peak_of(*format).is_some());
    let mut assumed = Vec::new();
    let (format, peak) = match (peak_of(wanted), sixteen) {
        (Some(peak), _) => (wanted, peak),
        (None, Some(format)) if precision == Precision::Fp8 => {
            assumed.push(format!(
                "{} has no 8-bit products: linear layers in {format}",
                part.name
            ));
            (format, peak_of(format).unwrap_or(0.0))
        }
        _ => {
            return Err(format!(
                "no dense {wanted} peak is published for {}",
                part.name
            ));
        }
    };
    let sixteen = sixteen.unwrap_or(format);
    let peak16 = peak_of(sixteen).unwrap_or(peak);
    // Both 16-bit formats run on the same units; ceilings are published for one of them.
    let measured = |format| {
        part.matmul_share(format).or_else(|| match format {
            NumberFormat::Fp16 => part.matmul_share(NumberFormat::Bf16),
            _ => None,
        })
    };
    let hbm = part.memory_bandwidth.map_or_else(
        || {
            assumed.push(format!(
                "no memory rate is published for {}: that of chips with its peak is taken",
                part.name
            ));
            peak16 * BYTES_PER_FLOP
        },
        |rate| rate.bytes(),
    );
    let scale_up = part.scale_up.map_or_else(
        || {
            assumed.push(format!(
                "no link between accelerators is published for {}: a PCIe slot is taken",
                part.name
            ));
            SLOT
        },
        |rate| rate.bytes(),
    );
    let out = scale_out.unwrap_or_else(|| match part.scale_out {
        Some(rate) => rate.bytes(),
        None => {
            if total > per_node {
                assumed.push(format!(
                    "no link between nodes is published for {}: 100 Gbit/s an accelerator is taken",
                    part.name
                ));
            }
            NETWORK
        }
    });
    #[expect(
        clippy::cast_precision_loss,
        reason = "memories are far below 2^53 bytes"
    )]
    let sold = part.memory.get() as f64;
    let maker = match part.vendor.as_str() {
        "NVIDIA" => Maker::Nvidia,
        "Google" => Maker::Google,
        "Huawei" => Maker::Huawei,
        _ => Maker::Other,
    };
    let stacked = hbm >= STACKED || matches!(maker, Maker::Google | Maker::Huawei);
    let domain = part.scale_up_domain.unwrap_or(1).max(1);
    // Domains of more than a node's usual eight span nodes: a rack, a pod.
    let domain = domain.min(if domain > 8 { total } else { per_node }).max(1);
    Ok((
        Card {
            peak,
            peak16,
            measured: measured(format),
            measured16: measured(sixteen),
            maker,
            before_fp8: part.peak(NumberFormat::Fp8).is_none(),
            fp8: format == NumberFormat::Fp8,
            hbm,
            memory: sold * if stacked { HELD } else { 1.0 },
            scale_up,
            domain: f64::from(domain),
            scale_out: out,
        },
        assumed,
    ))
}
