//! Tables that fit the terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Between two columns.
const GAP: &str = "  ";
/// No column is made narrower than this to fit.
const NARROWEST: usize = 8;

/// Rows of text under a line of headings.
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

/// How a column may be shown.
#[derive(Clone, Copy)]
pub(super) enum Column {
    /// May be cut where the terminal is too narrow.
    Text(&'static str),
    /// Is of no use unless it is whole: a PIN, a time.
    Whole(&'static str),
    /// Whole too, but left out where it would make the lines too long.
    Id,
}

use Column::{Id, Text, Whole};

impl Column {
    fn heading(self) -> &'static str {
        match self {
            Text(heading) | Whole(heading) => heading,
            Id => "ID",
        }
    }
}

impl Table {
    pub(super) fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row: as many cells as there are columns.
    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.columns.len());
        self.rows.push(cells.into_iter().map(|cell| on_one_line(&cell)).collect());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines, none wider than `width` if the columns can be cut that far, and whether ids were left out for that;
    /// `None`: as wide as they are.
    pub(super) fn lines(&self, width: Option<usize>) -> (Vec<String>, bool) {
        let available = width.unwrap_or(usize::MAX);
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        let mut widths = self.widths(&shown, available);
        let all = shown.len();
        if total(&widths) > available {
            shown.retain(|place| !matches!(self.columns[*place], Id));
            widths = self.widths(&shown, available);
        }
        let headings: Vec<String> = self.columns.iter().map(|column| column.heading().to_owned()).collect();
        let line = |cells: &Vec<String>| line(shown.iter().filter_map(|place| cells.get(*place)), &widths);
        (std::iter::once(&headings).chain(&self.rows).map(line).collect(), shown.len() < all)
    }

    fn widths(&self, shown: &[usize], available: usize) -> Vec<usize> {
        let widest = |place: &usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(*place)).map(|cell| cell.width());
            cells.max().unwrap_or(0).max(self.columns[*place].heading().width())
        };
        let mut widths: Vec<usize> = shown.iter().map(widest).collect();
        while total(&widths) > available {
            let can_shrink = |at: &usize| matches!(self.columns[shown[*at]], Text(_)) && widths[*at] > NARROWEST;
            // The rightmost of the widest.
            let Some(at) = (0..widths.len()).filter(can_shrink).max_by_key(|at| widths[*at]) else { break };
            widths[at] -= 1;
        }
        widths
    }
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1)
}

fn line<'a>(cells: impl Iterator<Item = &'a String>, widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.zip(widths) {
        let cell = cut(cell, *width);
        line.push_str(&cell);
        line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width())));
        line.push_str(GAP);
    }
    line.trim_end().to_owned()
}

/// At most so many columns of the terminal, with a mark where something is missing.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut room = width.saturating_sub(1);
    let mut kept = String::new();
    for c in text.chars() {
        let columns = c.width().unwrap_or(0);
        if columns > room {
            break;
        }
        room -= columns;
        kept.push(c);
    }
    kept + "…"
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[Text("NAME"), Whole("FROM"), Text("STATE")]);
        table.row(["Jane Doe".to_owned(), "2026-12-01 15:00".to_owned(), "active".to_owned()]);
        table.row(["日本語 a name that is\nlong".to_owned(), "2026-12-02 15:00".to_owned(), "upcoming".to_owned()]);
        table
    }

    #[test]
    fn columns_stand_below_each_other_also_with_wide_characters() {
        let (lines, _) = table().lines(None);
        assert_eq!(lines[0], "NAME                        FROM              STATE");
        assert_eq!(lines[1], "Jane Doe                    2026-12-01 15:00  active");
        assert_eq!(lines[2], "日本語 a name that is long  2026-12-02 15:00  upcoming");
    }

    #[test]
    fn a_narrow_terminal_cuts_texts_and_leaves_times_whole() {
        let (lines, _) = table().lines(Some(40));
        assert!(lines.iter().all(|line| line.width() <= 40), "{lines:?}");
        assert_eq!(lines[2], "日本語 a na…  2026-12-02 15:00  upcoming");
        let (lines, _) = table().lines(Some(5));
        assert_eq!(lines[2], "日本語 …  2026-12-02 15:00  upcoming", "no narrower than can be read");
    }

    #[test]
    fn ids_are_whole_or_left_out() {
        let mut table = Table::new(&[Text("NAME"), Id]);
        let id = "01a212fb-7b91-7abf-b2df-a107badfb529";
        table.row(["Jane Doe".to_owned(), id.to_owned()]);
        assert_eq!(table.lines(Some(46)), (vec!["NAME      ID".to_owned(), format!("Jane Doe  {id}")], false));
        assert_eq!(table.lines(Some(45)), (vec!["NAME".to_owned(), "Jane Doe".to_owned()], true));
    }
}
