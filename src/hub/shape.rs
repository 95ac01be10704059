//! What a parameter looks like, for doors that have only text (a query string, a command line).

use serde_json::{Map, Value, json};

use super::parameter::Parameter;

/// One parameter of an operation.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it looks like.
    pub shape: Shape,
    /// Whether it must be given.
    pub required: bool,
    /// Whether an explicit null means something else than leaving it out.
    pub nullable: bool,
    /// What it is for, in a sentence.
    pub doc: &'static str,
    schema: Value,
}

/// What a value looks like.
#[derive(Debug, Clone)]
pub enum Shape {
    /// A text; also ids and times.
    Text,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// Several.
    List(Box<Self>),
    /// An object with these members.
    Object(Vec<Field>),
    /// An object whose names the host chooses; its values are texts or booleans.
    Map,
}

impl Field {
    pub(super) fn of<T: Parameter>(name: &'static str, doc: &'static str) -> Self {
        let required = T::absent().is_none();
        Self { name, shape: T::shape(), required, nullable: T::NULLABLE, doc: doc.trim(), schema: T::schema() }
    }

    /// For tests of doors: nothing but a shape.
    #[cfg(test)]
    pub(crate) fn bare(name: &'static str, shape: Shape) -> Self {
        Self { name, shape, required: false, nullable: false, doc: "", schema: Value::Null }
    }

    /// Its JSON schema, without the description.
    pub(super) fn schema(&self) -> &Value {
        &self.schema
    }

    /// Its JSON schema with the description.
    pub(super) fn described_schema(&self) -> Value {
        let mut schema = self.schema.as_object().cloned().unwrap_or_else(Map::new);
        schema.insert("description".to_owned(), json!(self.doc));
        Value::Object(schema)
    }
}
