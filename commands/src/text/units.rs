//! Numbers as people read them: `1.2 s`, `340 MiB`, `0.12 %`. Pure; used by every diagnostic.

/// A time in seconds, in the unit that says enough: `85 µs`, `12 ms`, `1.2 s`, `5 min 12 s`, `3 d 4 h`.
/// What is negative (two clocks) or not finite is `0 µs`.
#[must_use]
pub(crate) fn span(seconds: f64) -> String {
    let micros = (seconds.clamp(0.0, 1e9) * 1e6).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 1e15; a NaN becomes 0"
    )]
    let micros = micros as u64;
    let whole = micros / 1_000_000;
    let two = |large: u64, unit: &str, small: u64, part: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {part}"),
    };
    match whole {
        0 if micros < 1_000 => format!("{micros} µs"),
        0 => format!("{} ms", tenths(micros, 1_000)),
        1..=59 => format!("{} s", tenths(micros, 1_000_000)),
        60..=3_599 => two(whole / 60, "min", whole % 60, "s"),
        3_600..=86_399 => two(whole / 3_600, "h", whole % 3_600 / 60, "min"),
        _ => two(whole / 86_400, "d", whole % 86_400 / 3_600, "h"),
    }
}

/// Bytes in binary units: `512 B`, `1.2 MiB`, `340 GiB`.
#[must_use]
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1_024 {
        return format!("{count} B");
    }
    let mut size = 1_024;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        if count / size < 1_024 {
            break;
        }
        size *= 1_024;
        unit = next;
    }
    format!("{} {unit}", tenths(count, size))
}

/// A share in percent: `0.12 %`, `4.5 %`, `96 %`; nothing of nothing is `0 %`.
#[must_use]
pub(crate) fn percent(part: f64, whole: f64) -> String {
    let share = if whole > 0.0 { part / whole * 100.0 } else { 0.0 };
    let digits = match share {
        share if share >= 10.0 => 0,
        share if share >= 1.0 => 1,
        _ => 2,
    };
    let text = format!("{share:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0') } else { &text };
    format!("{} %", text.trim_end_matches('.'))
}

/// A whole number with its thousands parted: `12,345`.
#[must_use]
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its words: `1 session waits`, `3 sessions wait`.
#[must_use]
pub(crate) fn of(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {many}", count(number as u64)) }
}

/// `part / size` with one decimal below ten, none above.
fn tenths(part: u64, size: u64) -> String {
    let rounded = (part.saturating_mul(10) + size / 2) / size;
    match (rounded / 10, rounded % 10) {
        (whole, 0) => whole.to_string(),
        (whole @ 0..=9, tenth) => format!("{whole}.{tenth}"),
        _ => ((part + size / 2) / size).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sizes_shares_and_counts_read_well() {
        let spans = [0.0, 0.000_085, 0.0012, 0.012, 1.24, 34.4, 60.0, 312.0, 11_040.0, 273_600.0];
        let expected = [
            "0 µs",
            "85 µs",
            "1.2 ms",
            "12 ms",
            "1.2 s",
            "34 s",
            "1 min",
            "5 min 12 s",
            "3 h 4 min",
            "3 d 4 h",
        ];
        assert_eq!(spans.map(span), expected);
        assert_eq!([f64::NAN, -3.0].map(span), ["0 µs", "0 µs"]);
        assert_eq!(
            [0, 512, 1_300_000, 340 << 30].map(bytes),
            ["0 B", "512 B", "1.2 MiB", "340 GiB"]
        );
        let shares = [(0.0, 0.0), (0.12, 100.0), (4.5, 100.0), (96.4, 100.0), (30.0, 30.0)];
        let shown = shares.map(|(part, whole)| percent(part, whole));
        assert_eq!(shown, ["0 %", "0.12 %", "4.5 %", "96 %", "100 %"]);
        assert_eq!([1, 0, 1_200].map(|n| of(n, "runs", "run")), ["1 runs", "0 run", "1,200 run"]);
        assert_eq!([7, 999, 1_000, 12_345_678].map(count), ["7", "999", "1,000", "12,345,678"]);
    }
}
