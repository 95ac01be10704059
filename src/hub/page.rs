//! Lists in pages.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::parameter::{Limit, Parameter, Wrong};
use super::shape::Shape;

/// Where a page begins: behind this resource. Opaque to callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor(Uuid);

impl Parameter for Cursor {
    fn read(value: Value) -> Result<Self, Wrong> {
        let text = String::read(value)?;
        let id = Uuid::parse_str(&text).map_err(|_| Wrong::here("is not a next_page_cursor of this hub"))?;
        Ok(Self(id))
    }

    fn shape() -> Shape {
        Shape::Text
    }

    fn schema() -> Value {
        json!({"type": "string", "format": "uuid"})
    }
}

/// What part of a list is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    limit: Option<usize>,
    after: Option<Uuid>,
}

impl Page {
    /// Without a limit there is one page, with everything: older clients follow pages without end otherwise.
    pub(super) fn new(limit: Option<Limit>, cursor: Option<Cursor>) -> Self {
        Self { limit: limit.map(Limit::count), after: cursor.map(|cursor| cursor.0) }
    }

    /// Behind which resource it begins.
    pub(super) fn after<T: From<Uuid>>(self) -> Option<T> {
        self.after.map(T::from)
    }

    /// How many to fetch at most: one more than fits, to see whether there is more.
    pub(super) fn fetch(self) -> Option<usize> {
        self.limit.map(|limit| limit.saturating_add(1))
    }

    /// Cuts the page out of what fits, which is sorted by id.
    pub(super) fn cut<T>(self, all: impl IntoIterator<Item = T>, id: impl Fn(&T) -> Uuid) -> (Vec<T>, Pagination) {
        let mut rest = all.into_iter().filter(|item| self.after.is_none_or(|after| id(item) > after));
        let page: Vec<T> = rest.by_ref().take(self.limit.unwrap_or(usize::MAX)).collect();
        let more = self.limit.is_some() && rest.next().is_some();
        let next = page.last().filter(|_| more).map(|item| id(item).to_string());
        (page, Pagination { has_next_page: more, next_page_cursor: next, next_page_url: None })
    }
}

/// How to get the next page: the same request with `page_cursor`.
#[derive(Debug, Clone, Serialize, ToSchema, PartialEq, Eq)]
pub(super) struct Pagination {
    has_next_page: bool,
    next_page_cursor: Option<String>,
    next_page_url: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::super::parameter::Whole;
    use super::*;

    fn pages(limit: Option<u64>) -> Vec<Vec<u128>> {
        let ids = || (1..=5u128).map(Uuid::from_u128);
        let (mut pages, mut cursor) = (Vec::new(), None);
        loop {
            let (page, pagination) = Page::new(limit.map(Whole), cursor).cut(ids(), |id| *id);
            pages.push(page.iter().map(|id| id.as_u128()).collect());
            let Some(next) = pagination.next_page_cursor else { return pages };
            assert!(pagination.has_next_page);
            cursor = Some(Cursor::read(json!(next)).ok().unwrap());
        }
    }

    #[test]
    fn pages_hold_everything_once_and_without_a_limit_there_is_one() {
        assert_eq!(pages(Some(2)), [vec![1, 2], vec![3, 4], vec![5]]);
        assert_eq!(pages(Some(5)), [vec![1, 2, 3, 4, 5]]);
        assert_eq!(pages(None), [vec![1, 2, 3, 4, 5]]);
    }
}
