//! Requests that were carried out, so that one that comes again is answered and not repeated (I7). Question and answer
//! may hold PINs: both are sealed.

use rusqlite::params;
use zeroize::Zeroizing;

use super::vault::Place;
use super::{StoreError, Unit};

const TABLE: &str = "requests";

impl Unit<'_> {
    /// The question and the answer of a request that was carried out.
    ///
    /// # Errors
    /// [`StoreError`], also if they can't be read: it must not be carried out again then.
    pub fn answer_of(&mut self, request_id: &str) -> Result<Option<(String, String)>, StoreError> {
        let vault = self.vault;
        self.one(TABLE, "SELECT * FROM requests WHERE request_id = ?1", [request_id], |row| {
            let open = |column| {
                let place = Place { table: TABLE, column, row: request_id.as_bytes() };
                let sealed: Vec<u8> = row.get(column)?;
                let bytes = vault.open(place, &sealed).map_err(|what| row.unreadable(column, what))?;
                String::from_utf8(bytes.to_vec()).map_err(|_| row.unreadable(column, "is not text"))
            };
            Ok((open("question_sealed")?, open("answer_sealed")?))
        })
    }

    /// Keeps the answer of a request for at least a day.
    ///
    /// # Errors
    /// [`StoreError`], also if there is one of that id already.
    pub fn remember_answer(&mut self, request_id: &str, question: &str, answer: &str) -> Result<(), StoreError> {
        let vault = self.vault;
        let mut seal = |column, text: &str| {
            let place = Place { table: TABLE, column, row: request_id.as_bytes() };
            let text = Zeroizing::new(text.as_bytes().to_vec());
            vault.seal(self.rng(), place, &text)
        };
        let (question, answer) = (seal("question_sealed", question)?, seal("answer_sealed", answer)?);
        let sql = "INSERT INTO requests (request_id, question_sealed, answer_sealed, answered_at)
            VALUES (?1, ?2, ?3, ?4)";
        self.execute(sql, params![request_id, question, answer, self.now()])?;
        Ok(())
    }
}
