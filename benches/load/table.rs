//! The table.

/// A figure: what it is and in what, and one value for each number of grants.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) values: Vec<f64>,
}

/// Behind each value stands how often the first one goes into it.
pub(super) fn of(doors: u16, grants: &[usize], rows: &[Row]) -> String {
    let heads = grants.iter().map(|grants| format!(" {} grants |", with_commas(*grants))).collect::<String>();
    let mut text = format!("| {doors} locks |{heads}\n|---|{}\n", "--:|".repeat(grants.len()));
    for Row { name, unit, values } in rows {
        let first = values.first().copied().unwrap_or_default();
        text += &format!("| {name}, {unit} |");
        for (place, value) in values.iter().enumerate() {
            // Of nothing there is no ratio.
            let ratio = if place > 0 && first > 0.0 { format!(" (× {:.2})", value / first) } else { String::new() };
            text += &format!(" {value:.2}{ratio} |");
        }
        text += "\n";
    }
    text
}

fn with_commas(number: usize) -> String {
    let digits = number.to_string();
    let parts: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    parts.iter().map(|part| String::from_utf8_lossy(part)).collect::<Vec<_>>().join(",")
}
