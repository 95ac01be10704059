//! A SELECT that is put together from the filters that were given.

use rusqlite::ToSql;
use rusqlite::types::ToSqlOutput;

use super::row::Row;
use super::{StoreError, Unit};

/// Conditions, each with its values, behind a SELECT that ends in a condition.
pub(super) struct Query<'a> {
    sql: String,
    values: Vec<ToSqlOutput<'a>>,
}

impl<'a> Query<'a> {
    /// `select` ends with `WHERE` and a first condition, such as `TRUE`.
    pub(super) fn new(select: &str) -> Self {
        Self { sql: select.to_owned(), values: Vec::new() }
    }

    /// A condition that always holds.
    pub(super) fn and(&mut self, condition: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
    }

    /// A condition with a `?` for each of these values.
    pub(super) fn and_with(
        &mut self,
        condition: &str,
        values: impl IntoIterator<Item = &'a dyn ToSql>,
    ) -> Result<(), StoreError> {
        self.and(condition);
        for value in values {
            self.values.push(value.to_sql()?);
        }
        Ok(())
    }

    /// A condition with one `?`, if there is a value for it.
    pub(super) fn and_if<T: ToSql>(&mut self, condition: &str, value: Option<&'a T>) -> Result<(), StoreError> {
        match value {
            Some(value) => self.and_with(condition, [value as &dyn ToSql]),
            None => Ok(()),
        }
    }

    /// That a column has one of these values; of none of them if the list is empty.
    pub(super) fn and_in<T: ToSql>(&mut self, column: &str, values: &'a [T]) -> Result<(), StoreError> {
        self.and(&format!("{column} IN ({})", vec!["?"; values.len()].join(", ")));
        for value in values {
            self.values.push(value.to_sql()?);
        }
        Ok(())
    }

    /// Order and number of the rows; `None`: all.
    pub(super) fn end(&mut self, order: &str, limit: Option<usize>) {
        self.sql.push_str(&format!(" ORDER BY {order} LIMIT ?"));
        let limit = limit.and_then(|limit| i64::try_from(limit).ok());
        self.values.push(limit.unwrap_or(i64::MAX).into());
    }

    /// Every row that can be read; the others are logged.
    pub(super) fn readable<T>(
        self,
        unit: &Unit<'_>,
        table: &'static str,
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        unit.readable_of(table, &self.sql, rusqlite::params_from_iter(self.values), read)
    }
}
