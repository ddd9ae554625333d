//! What a diagnostic found. A report is data: how it looks is the view's business, so that the same
//! report is a card in chat, lines in a terminal and JSON for a script.

use jiff::Timestamp;

use crate::text::Untrusted;

/// What a finding says of its subject. Ordered by how much it wants attention, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Broken, or beyond its limit.
    Fail,
    /// Works, but something is wrong or near its limit.
    Warn,
    /// The thing that was asked about is not there.
    Absent,
    /// It was asked and gave no usable answer: no series, no permission.
    NoData,
    /// This installation does not offer it or is not told of it. Neither a pass nor a failure.
    Unsupported,
    /// As it should be.
    Ok,
}

impl Status {
    /// All of them, worst first.
    pub const ALL: [Self; 6] =
        [Self::Fail, Self::Warn, Self::Absent, Self::NoData, Self::Unsupported, Self::Ok];

    /// The word used in text and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::Absent => "absent",
            Self::NoData => "no data",
            Self::Unsupported => "unsupported",
            Self::Ok => "ok",
        }
    }

    /// Whether somebody should look: the difference between exit status 0 and 1.
    #[must_use]
    pub fn needs_attention(self) -> bool {
        matches!(self, Self::Fail | Self::Warn | Self::Absent)
    }
}

/// Where a fact came from and when it was true there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The call or query, as an engineer could repeat it.
    pub source: Untrusted,
    /// When the source was asked, or the sample's own time where it carries one.
    pub at: Timestamp,
}

impl Provenance {
    /// Asked just now.
    pub fn now(source: impl Into<Untrusted>) -> Self {
        Self { source: source.into(), at: Timestamp::now() }
    }
}

/// One fact about one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub status: Status,
    /// What it is about: a service, a database, a node.
    pub subject: Untrusted,
    /// What was measured, with its unit.
    pub measured: Untrusted,
    /// What it should have been, where there is a limit.
    pub expected: Option<Untrusted>,
    pub provenance: Provenance,
    /// What to do about it, in one short sentence.
    pub hint: Option<Untrusted>,
}

impl Finding {
    /// A finding without limit or hint, asked just now. `source` is the call or query, as an engineer
    /// could repeat it.
    pub fn new(
        status: Status,
        subject: impl Into<Untrusted>,
        measured: impl Into<Untrusted>,
        source: impl Into<Untrusted>,
    ) -> Self {
        Self {
            status,
            subject: subject.into(),
            measured: measured.into(),
            expected: None,
            provenance: Provenance::now(source),
            hint: None,
        }
    }

    /// With what it should have been.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<Untrusted>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Untrusted>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With the sample's own time.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.provenance.at = at;
        self
    }
}

/// Rows under named columns, for the details under a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub title: Untrusted,
    pub columns: Vec<&'static str>,
    pub rows: Vec<Vec<Untrusted>>,
    pub provenance: Provenance,
}

/// How something went over time: drawn as a sparkline where text is shown and as a picture in chat.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    pub title: Untrusted,
    /// Behind each value: `s`, `MiB`, `%`, `req/s`.
    pub unit: &'static str,
    pub lines: Vec<ChartLine>,
    /// What the values should stay below.
    pub limit: Option<f64>,
    pub provenance: Provenance,
}

/// One line of a chart, oldest point first. A gap is where points are missing or not finite.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartLine {
    pub name: Untrusted,
    pub points: Vec<(Timestamp, f64)>,
}

/// Text whose line ends matter: log lines, configuration. What is long is attached in chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    pub title: Untrusted,
    pub lines: Vec<Untrusted>,
    pub provenance: Provenance,
}

/// A file for whoever wants to look closer: a profile, a flame graph. Its bytes are shown to nobody by
/// nova; what is text in it has been sanitised where it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Of letters, digits, `-`, `_` and one dot.
    pub name: String,
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

/// A sensible next step, offered as a button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub label: String,
    /// The command line that the button runs, without the `/nova`.
    pub line: String,
}

/// Most findings and rows of a table that are shown.
const FINDINGS: usize = 20;
const ROWS: usize = 50;

/// The answer of a diagnostic.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What was looked at: "NovaCron", "vm-service".
    pub subject: Untrusted,
    pub findings: Vec<Finding>,
    pub charts: Vec<Chart>,
    pub tables: Vec<Table>,
    pub excerpts: Vec<Excerpt>,
    pub files: Vec<File>,
    pub next: Vec<Suggestion>,
}

impl Report {
    /// An empty report about `subject`.
    pub fn new(subject: impl Into<Untrusted>) -> Self {
        Self {
            subject: subject.into(),
            findings: Vec::new(),
            charts: Vec::new(),
            tables: Vec::new(),
            excerpts: Vec::new(),
            files: Vec::new(),
            next: Vec::new(),
        }
    }

    /// With one more next step.
    #[must_use]
    pub fn then(mut self, label: &str, line: impl Into<String>) -> Self {
        self.next.push(Suggestion { label: label.to_owned(), line: line.into() });
        self
    }

    /// A report that is one finding.
    pub fn only(subject: impl Into<Untrusted>, finding: Finding) -> Self {
        Self { findings: vec![finding], ..Self::new(subject) }
    }

    /// With no more than a person reads: what is beyond it is counted, and counts in the verdict.
    /// Findings are expected in the order in which they are to be shown.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        if self.findings.len() > FINDINGS {
            let rest = self.findings.split_off(FINDINGS - 1);
            let counts = Status::ALL.iter().filter_map(|status| {
                let count = rest.iter().filter(|finding| finding.status == *status).count();
                (count > 0).then(|| format!("{count} {}", status.word()))
            });
            let counts: Vec<String> = counts.collect();
            let worst = rest.iter().map(|finding| finding.status).min().unwrap_or(Status::Ok);
            let source = rest[0].provenance.source.clone();
            let more = format!("{} more", rest.len());
            self.findings.push(Finding::new(worst, more, counts.join(", "), source));
        }
        for table in &mut self.tables {
            let all = table.rows.len();
            if all > ROWS {
                table.rows.truncate(ROWS);
                table.title = format!("{} ({ROWS} of {all})", table.title.raw()).into();
            }
        }
        self
    }

    /// The worst status that wants attention, else whether anything at all is known to be well.
    #[must_use]
    pub fn verdict(&self) -> Status {
        let worst = self.findings.iter().map(|f| f.status).filter(|s| s.needs_attention()).min();
        worst.unwrap_or_else(
            || {
                if self.count(Status::Ok) > 0 { Status::Ok } else { Status::NoData }
            },
        )
    }

    /// How many findings have this status.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.findings.iter().filter(|f| f.status == status).count()
    }

    /// Worst first, then by subject, each subject's findings in the order they were made.
    pub fn sort(&mut self) {
        self.findings.sort_by(|a, b| {
            a.status.cmp(&b.status).then_with(|| a.subject.raw().cmp(b.subject.raw()))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(statuses: &[Status]) -> Report {
        let mut report = Report::new("x");
        report.findings = statuses.iter().map(|s| Finding::new(*s, "s", "m", "test")).collect();
        report
    }

    #[test]
    fn the_worst_finding_decides_and_silence_is_not_health() {
        assert_eq!(report(&[Status::Ok, Status::Warn, Status::Fail]).verdict(), Status::Fail);
        assert_eq!(report(&[Status::Ok, Status::Absent]).verdict(), Status::Absent);
        assert_eq!(
            report(&[Status::Ok, Status::NoData, Status::Unsupported]).verdict(),
            Status::Ok
        );
        assert_eq!(report(&[Status::Unsupported]).verdict(), Status::NoData);
        assert_eq!(report(&[]).verdict(), Status::NoData);
    }

    #[test]
    fn what_is_not_shown_is_counted_and_judged() {
        let mut statuses = vec![Status::Ok; 25];
        statuses.extend([Status::Warn; 5]);
        let long = report(&statuses).bounded();
        assert_eq!((long.findings.len(), long.verdict()), (FINDINGS, Status::Warn));
        let last = &long.findings[FINDINGS - 1];
        assert_eq!((last.subject.raw(), last.measured.raw()), ("11 more", "5 warn, 6 ok"));
        assert_eq!(report(&[Status::Ok; FINDINGS]).bounded().findings.len(), FINDINGS);
    }
}
