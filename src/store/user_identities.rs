//! People.

use rusqlite::params;

use super::query::Query;
use super::row::Row;
use super::{StoreError, Unit};
use crate::model::{UserIdentity, UserIdentityId};

const TABLE: &str = "user_identities";

/// Which people; `None` does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonFilter {
    /// Of one of these ids.
    pub ids: Option<Vec<UserIdentityId>>,
    /// Behind this one.
    pub after: Option<UserIdentityId>,
    /// At most so many.
    pub limit: Option<usize>,
}

impl Unit<'_> {
    /// By id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn user_identity(&mut self, id: UserIdentityId) -> Result<Option<UserIdentity>, StoreError> {
        self.one(TABLE, "SELECT * FROM user_identities WHERE user_identity_id = ?1", [id], read)
    }

    /// By the host's own key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn user_identity_by_key(&mut self, key: &str) -> Result<Option<UserIdentity>, StoreError> {
        self.one(TABLE, "SELECT * FROM user_identities WHERE user_identity_key = ?1", [key], read)
    }

    /// By e-mail address, exactly as it was given.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn user_identity_by_email(&mut self, address: &str) -> Result<Option<UserIdentity>, StoreError> {
        self.one(TABLE, "SELECT * FROM user_identities WHERE email_address = ?1", [address], read)
    }

    /// By telephone number, exactly as it was given.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn user_identity_by_phone(&mut self, number: &str) -> Result<Option<UserIdentity>, StoreError> {
        self.one(TABLE, "SELECT * FROM user_identities WHERE phone_number = ?1", [number], read)
    }

    /// By id, which is by age.
    ///
    /// # Errors
    /// [`StoreError`]; a row that can't be read is logged and left out.
    pub fn user_identities(&mut self, filter: &PersonFilter) -> Result<Vec<UserIdentity>, StoreError> {
        let mut query = Query::new("SELECT * FROM user_identities WHERE TRUE");
        if let Some(ids) = &filter.ids {
            query.and_in("user_identity_id", ids)?;
        }
        query.and_if("user_identity_id > ?", filter.after.as_ref())?;
        query.end("user_identity_id", filter.limit);
        query.readable(self, TABLE, read)
    }

    /// A new one.
    ///
    /// # Errors
    /// [`StoreError`], also if its key, address or number is somebody else's.
    pub fn insert_user_identity(&mut self, identity: &UserIdentity) -> Result<(), StoreError> {
        let sql = "INSERT INTO user_identities (user_identity_key, email_address, phone_number, full_name, created_at,
            user_identity_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.write_user_identity(identity, sql)
    }

    /// A changed one.
    ///
    /// # Errors
    /// [`StoreError`], also if there is none of that id, or its key, address or number is somebody else's.
    pub fn update_user_identity(&mut self, identity: &UserIdentity) -> Result<(), StoreError> {
        let sql = "UPDATE user_identities SET user_identity_key = ?1, email_address = ?2, phone_number = ?3,
            full_name = ?4, created_at = ?5 WHERE user_identity_id = ?6";
        self.write_user_identity(identity, sql)
    }

    /// Forgets a person. The caller has made sure that no grant is left.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_user_identity(&mut self, id: UserIdentityId) -> Result<(), StoreError> {
        self.execute("DELETE FROM user_identities WHERE user_identity_id = ?1", [id])?;
        Ok(())
    }

    fn write_user_identity(&mut self, identity: &UserIdentity, sql: &str) -> Result<(), StoreError> {
        let values = params![
            identity.user_identity_key,
            identity.email_address,
            identity.phone_number,
            identity.full_name,
            identity.created_at,
            identity.user_identity_id,
        ];
        self.change(TABLE, identity.user_identity_id, sql, values)
    }
}

fn read(row: &Row<'_>) -> Result<UserIdentity, StoreError> {
    Ok(UserIdentity {
        user_identity_id: row.id("user_identity_id")?,
        user_identity_key: row.get("user_identity_key")?,
        email_address: row.get("email_address")?,
        phone_number: row.get("phone_number")?,
        full_name: row.get("full_name")?,
        created_at: row.time("created_at")?,
    })
}
