//! Numbers as people read them: three digits that count, and always a unit.

/// Three digits that count: `0.042`, `1.23`, `12.3`, `1234`.
#[must_use]
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() { "no number" } else { "infinite" }.to_owned();
    }
    let size = value.abs();
    let digits = match size {
        _ if size >= 100.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 1.0 => 2,
        _ if size >= 0.01 || size == 0.0 => 3,
        _ => 5,
    };
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Bytes: `340 MiB`.
#[must_use]
pub fn bytes(value: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (value, 0);
    while value.abs() >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", number(value), UNITS[unit])
}

/// A time in seconds: `1.2 s`, `340 ms`, `12 µs`.
#[must_use]
pub fn seconds(value: f64) -> String {
    match value.abs() {
        size if size >= 1.0 || size == 0.0 => format!("{} s", number(value)),
        size if size >= 0.001 => format!("{} ms", number(value * 1e3)),
        _ => format!("{} µs", number(value * 1e6)),
    }
}

/// A share of one: `0.12 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{} %", number(share * 100.0))
}

/// A count with its noun: `1 line`, `2 lines`.
#[must_use]
pub fn count(many: usize, noun: &str) -> String {
    format!("{many} {noun}{}", if many == 1 { "" } else { "s" })
}

/// A span of time in its largest unit: `40 s`, `12 min`, `3 h`, `5 d`.
#[must_use]
pub fn span(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{} s", s.round()),
        s if s < 5_400.0 => format!("{} min", (s / 60.0).round()),
        s if s < 172_800.0 => format!("{} h", (s / 3_600.0).round()),
        s => format!("{} d", (s / 86_400.0).round()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_count_and_a_unit() {
        let shown = [0.0, 0.00042, 0.042, 1.234, 12.34, 1234.5, -1.5, f64::NAN].map(number);
        assert_eq!(shown, ["0", "0.00042", "0.042", "1.23", "12.3", "1234", "-1.5", "no number"]);
        assert_eq!([512.0, 356_515_840.0, 1.5e13].map(bytes), ["512 B", "340 MiB", "13.6 TiB"]);
        assert_eq!([1.2, 0.34, 0.000_012, 0.0].map(seconds), ["1.2 s", "340 ms", "12 µs", "0 s"]);
        assert_eq!([0.0012, 0.5].map(percent), ["0.12 %", "50 %"]);
        assert_eq!([40.0, 720.0, 10_800.0, 432_000.0].map(span), ["40 s", "12 min", "3 h", "5 d"]);
        assert_eq!([count(1, "line"), count(2, "line")], ["1 line", "2 lines"]);
    }
}
