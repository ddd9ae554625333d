//! The catalogue, with what the gate asks of each remediation.

use nova_commands::catalogue::{Row, catalogue};
use nova_commands::grammar::Grammar;
use nova_permissions::{GateTable, Risk};
use serde::Serialize;

#[derive(Serialize)]
struct Gated {
    #[serde(flatten)]
    row: Row,
    /// What the gate asks for, in words. Only for remediations.
    needs: Option<String>,
}

/// Every command as JSON.
///
/// # Errors
/// Never for the rows there are; serde's signature.
pub fn json(grammar: &Grammar, gate: &GateTable) -> serde_json::Result<String> {
    let gated = |row: Row| {
        let risk = row.risk.and_then(|risk| risk.parse::<Risk>().ok());
        let need = risk.and_then(|risk| gate.need(risk));
        Gated { needs: need.map(nova_permissions::Need::describe), row }
    };
    let rows: Vec<Gated> = catalogue(grammar).into_iter().map(gated).collect();
    serde_json::to_string_pretty(&rows)
}

/// Every command as aligned text.
#[must_use]
pub fn text(grammar: &Grammar) -> String {
    let rows = catalogue(grammar);
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let line = |row: &Row| {
        let Row { name, kind, summary, .. } = row;
        let later = if row.available { "" } else { "(not available in this build)" };
        let notes = [later].into_iter().chain(row.guide.iter().copied());
        let notes: Vec<&str> = notes.filter(|note| !note.is_empty()).collect();
        let risk = row.risk.unwrap_or("-");
        let line = format!("{name:<width$}  {kind:<11} {risk:<8}  {summary}  {}", notes.join(" "));
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
