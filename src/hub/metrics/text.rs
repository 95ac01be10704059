//! Prometheus' text format (version 0.0.4).

use std::fmt::{Display, Write};

use crate::store::Spread;

/// Families with their samples. Writing into a text can't fail.
#[derive(Default)]
pub(super) struct Text(String);

impl Text {
    pub(super) fn gauge(&mut self, name: &str, help: &str) {
        self.family(name, "gauge", help);
    }

    pub(super) fn counter(&mut self, name: &str, help: &str) {
        self.family(name, "counter", help);
    }

    pub(super) fn histogram(&mut self, name: &str, help: &str) {
        self.family(name, "histogram", help);
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    pub(super) fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    pub(super) fn spread(&mut self, name: &str, labels: &[(&str, &str)], spread: &Spread) {
        let bounds = Spread::BOUNDS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
        let mut all = 0;
        for (bound, count) in bounds.zip(spread.cumulated()) {
            let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            self.value(&format!("{name}_bucket"), &labels, count);
            all = count;
        }
        self.value(&format!("{name}_sum"), labels, spread.sum().as_secs_f64());
        self.value(&format!("{name}_count"), labels, all);
    }

    pub(super) fn end(self) -> String {
        self.0
    }
}

/// As a label's value is written.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_name_with_quotes_and_lines_does_not_break_out_of_its_label() {
        let mut text = Text::default();
        text.value("x", &[("name", "the \"back\"\ndoor\\"), ("id", "7")], 0.5);
        assert_eq!(text.end(), "x{name=\"the \\\"back\\\"\\ndoor\\\\\",id=\"7\"} 0.5\n");
    }

    #[test]
    fn a_spread_counts_each_duration_in_every_bucket_that_it_fits_into() {
        let mut spread = Spread::default();
        for millis in [100, 250, 100_000_000] {
            spread.add(Duration::from_millis(millis));
        }
        let mut text = Text::default();
        text.spread("x", &[("change", "set")], &spread);
        let text = text.end();
        for line in [
            "x_bucket{change=\"set\",le=\"0.1\"} 1",
            "x_bucket{change=\"set\",le=\"0.3\"} 2",
            "x_bucket{change=\"set\",le=\"7200\"} 2",
            "x_bucket{change=\"set\",le=\"+Inf\"} 3",
            "x_sum{change=\"set\"} 100000.35",
            "x_count{change=\"set\"} 3",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is not in {text}");
        }
    }
}
