//! Kubernetes quantities: `100m`, `1.5`, `2Gi`, `1e3`.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// Thousandths of a core.
pub(super) fn milli(quantity: &Quantity) -> Option<u64> {
    whole(parse(&quantity.0)? * 1000.0)
}

/// Bytes.
pub(super) fn bytes(quantity: &Quantity) -> Option<u64> {
    whole(parse(&quantity.0)?)
}

/// A quantity in its unit. `None` for anything that is not one.
fn parse(text: &str) -> Option<f64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (number, suffix) = text.split_at(digits.len());
    let factor = match suffix {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0_f64.powi(2),
        "Gi" => 1024.0_f64.powi(3),
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        "Ei" => 1024.0_f64.powi(6),
        _ => return None,
    };
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | 'e' | 'E');
    if number.is_empty() || !number.chars().all(plain) {
        return None;
    }
    number.parse::<f64>().ok().map(|n| n * factor)
}

/// Rounded up, as Kubernetes does; negative and absurd values are no measurement.
fn whole(value: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked"
    )]
    (0.0..9e18).contains(&value).then(|| (value - 1e-9).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn q(text: &str) -> Quantity {
        Quantity(text.to_owned())
    }

    #[test]
    fn the_forms_that_kubernetes_writes() {
        for (text, expected) in [
            ("100m", 100),
            ("1.5", 1500),
            ("2", 2000),
            ("250000000n", 250),
            ("12345678n", 13),
            ("0", 0),
        ] {
            assert_eq!(milli(&q(text)), Some(expected), "{text}");
        }
        for (text, expected) in [
            ("2Gi", 2_147_483_648),
            ("128974848", 128_974_848),
            ("1e3", 1000),
            ("500Ki", 512_000),
            ("129M", 129_000_000),
            ("2E", 2_000_000_000_000_000_000),
        ] {
            assert_eq!(bytes(&q(text)), Some(expected), "{text}");
        }
        for text in ["", "abc", "12x", "Gi", "-5", "1.2.3", "inf", "nan", "1e999"] {
            assert_eq!(bytes(&q(text)), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,20}") {
            let _ = (milli(&q(&text)), bytes(&q(&text)));
        }
    }
}
