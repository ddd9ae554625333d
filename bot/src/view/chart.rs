//! A chart as text: one sparkline a line, with its newest value and its range.
//!
//! Invariant: what is missing is a gap, never a zero; all lines of a chart have one scale.

use nova_adapters::message::Section;
use nova_commands::report::{Chart, ChartLine};

use super::limits;
use super::report::{Context, provenance};

/// Columns of a sparkline: what a phone shows beside a name.
const WIDTH: usize = 24;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The chart's section.
pub(super) fn section(chart: &Chart, context: &Context<'_>) -> Section {
    let values = chart.lines.iter().flat_map(finite);
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let names: Vec<String> = chart
        .lines
        .iter()
        .map(|line| context.sanitiser.line(&line.name, limits::SUBJECT))
        .collect();
    let wide = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let drawn = chart.lines.iter().zip(&names).map(|(line, name)| {
        let said = range(line, chart.unit);
        let gap = " ".repeat(wide - name.chars().count());
        format!("{name}{gap} {} {said}", spark(line, low, high))
    });
    let mut text = drawn.collect::<Vec<_>>().join("\n");
    if let Some(limit) = chart.limit {
        text = format!("{text}\nlimit {}", number(limit, chart.unit));
    }
    let title = context.sanitiser.line(&chart.title, limits::SUBJECT);
    Section::code(text).titled(format!("{title}, {}", provenance(&chart.provenance, context)))
}

fn finite(line: &ChartLine) -> impl Iterator<Item = f64> {
    line.points.iter().map(|(_, value)| *value).filter(|value| value.is_finite())
}

/// "now 1.2 s (0.4 to 2.1)".
fn range(line: &ChartLine, unit: &str) -> String {
    let Some(newest) = finite(line).last() else { return "no data".to_owned() };
    let low = finite(line).fold(newest, f64::min);
    let high = finite(line).fold(newest, f64::max);
    format!("now {} ({} to {})", number(newest, unit), short(low), short(high))
}

/// The line squeezed into [`WIDTH`] columns by time, each the mean of what falls into it.
fn spark(line: &ChartLine, low: f64, high: f64) -> String {
    let (Some((first, _)), Some((last, _))) = (line.points.first(), line.points.last()) else {
        return " ".repeat(WIDTH);
    };
    let first = first.as_millisecond();
    let span = (last.as_millisecond() - first).max(1);
    let mut columns = [(0.0, 0u32); WIDTH];
    for (at, value) in &line.points {
        let through = (at.as_millisecond() - first).clamp(0, span);
        let column = usize::try_from(through * (WIDTH as i64 - 1) / span).unwrap_or_default();
        if value.is_finite() {
            columns[column].0 += value;
            columns[column].1 += 1;
        }
    }
    let scale = |value: f64| {
        let share = if high > low { (value - low) / (high - low) } else { 0.0 };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share from 0 to 1 times 7"
        )]
        let bar = (share.clamp(0.0, 1.0) * 7.0).round() as usize;
        BARS[bar]
    };
    let draw =
        |(sum, count): (f64, u32)| if count == 0 { ' ' } else { scale(sum / f64::from(count)) };
    columns.into_iter().map(draw).collect()
}

fn number(value: f64, unit: &str) -> String {
    format!("{} {unit}", short(value)).trim_end().to_owned()
}

/// Three digits that count.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn line(values: &[f64]) -> ChartLine {
        let at = |n: usize| Timestamp::from_second(1_800_000_000 + 60 * n as i64).unwrap();
        let points = values.iter().enumerate().map(|(n, value)| (at(n), *value)).collect();
        ChartLine { name: "api-gateway".into(), points }
    }

    #[test]
    fn a_gap_is_no_zero_and_an_even_line_lies_low() {
        let rising = line(&[0.0, 1.0, f64::NAN, 3.0, 4.0]);
        assert_eq!(spark(&rising, 0.0, 4.0), "▁    ▃           ▆     █");
        assert_eq!(spark(&line(&[2.0; 24]), 2.0, 2.0), "▁".repeat(24));
        assert_eq!(spark(&line(&[]), 0.0, 1.0), " ".repeat(24));
        assert_eq!(spark(&line(&[5.0]), 0.0, 10.0).trim_end(), "▅");
    }

    #[test]
    fn numbers_have_three_digits_that_count() {
        let shown = [0.0, 0.0042, 0.25, 1.0, 1.234, 12.34, 123.4, 98_765.0, -1.5].map(short);
        assert_eq!(shown, ["0", "0.004", "0.25", "1", "1.23", "12.3", "123", "98765", "-1.5"]);
        assert_eq!(range(&line(&[1.0, 3.0, 2.0]), "s"), "now 2 s (1 to 3)");
        assert_eq!(range(&line(&[f64::NAN]), "s"), "no data");
    }
}
