//! What an operation is, whatever it does: a name, a request type, a response type, and a function between them.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::call::{Call, Surroundings};
use super::caller::Caller;
use super::outcome::Failure;
use super::parameter::Parameter;
use super::request::{self, Request};
use super::shape::Field;
use crate::faults::{self, Fault};
use crate::model::{ApiError, Role};
use crate::store::Unit;

/// An HTTP method by which an operation can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Parameters in the query string.
    Get,
    /// Parameters in the body.
    Post,
    /// Parameters in the body.
    Put,
    /// Parameters in the body.
    Patch,
    /// Parameters in the query string, or in the body.
    Delete,
}

impl Method {
    /// As HTTP writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Whether carrying an operation out twice would matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Reads,
    Changes,
}

/// Reading the body, carrying out, writing the answer: with the types forgotten.
type Function = Box<dyn Fn(&mut Call<'_, '_>, Value) -> Result<Map<String, Value>, Failure> + Send + Sync>;

/// The response's schema, and those that it refers to, by name.
type Schemas = (Value, Vec<(String, Value)>);

/// One operation, the same by every door.
pub struct Operation {
    /// Such as `access_grants/create`; also its path over HTTP and its topic over MQTT.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Every HTTP method that works, the usual one first: those of today's and of older clients.
    pub methods: &'static [Method],
    /// Who may ask for it, at least.
    pub role: Role,
    pub(super) effect: Effect,
    pub(super) request_schema: Value,
    pub(super) response_schema: fn() -> Schemas,
    fields: Vec<Field>,
    function: Function,
}

impl Operation {
    /// An operation that only looks.
    pub(super) fn reads<Q: Request + 'static, A: Serialize + ToSchema + 'static>(
        name: &'static str,
        function: fn(&mut Call<'_, '_>, Q) -> Result<A, Failure>,
    ) -> Self {
        Self::new(name, Effect::Reads, Role::Read, &[Method::Get, Method::Post], function)
    }

    /// An operation that makes, changes or deletes something, by these methods.
    pub(super) fn changes<Q: Request + 'static, A: Serialize + ToSchema + 'static>(
        name: &'static str,
        methods: &'static [Method],
        function: fn(&mut Call<'_, '_>, Q) -> Result<A, Failure>,
    ) -> Self {
        Self::new(name, Effect::Changes, Role::Grants, methods, function)
    }

    /// Only for those who may do everything.
    pub(super) fn for_admins(self) -> Self {
        Self { role: Role::Admin, ..self }
    }

    fn new<Q: Request + 'static, A: Serialize + ToSchema + 'static>(
        name: &'static str,
        effect: Effect,
        role: Role,
        methods: &'static [Method],
        function: fn(&mut Call<'_, '_>, Q) -> Result<A, Failure>,
    ) -> Self {
        let function = move |call: &mut Call<'_, '_>, body: Value| answer(&function(call, request::read(body)?)?);
        Self {
            name,
            summary: Q::DOC.trim(),
            methods,
            role,
            effect,
            request_schema: <Q as Parameter>::schema(),
            response_schema: schemas::<A>,
            fields: Q::fields(),
            function: Box::new(function),
        }
    }

    /// Its parameters.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether asking for it twice does something twice.
    pub fn changes_something(&self) -> bool {
        self.effect == Effect::Changes
    }

    /// Carries it out, if this caller may; at most once for one `request_id` of his.
    pub(super) fn run(
        &self,
        unit: &mut Unit<'_>,
        caller: &Caller,
        surroundings: &Arc<Surroundings>,
        body: Value,
        request_id: Option<&str>,
    ) -> Result<Map<String, Value>, Failure> {
        if caller.role < self.role {
            let message = format!(
                "this key has the role \"{}\", and {} needs \"{}\": ask with another key",
                caller.role.name(),
                self.name,
                self.role.name()
            );
            return Err(ApiError::new("forbidden", message).into());
        }
        unit.set_caller(&caller.name);
        let mut call = Call::new(unit, caller, surroundings);
        let Some(request_id) = request_id.filter(|_| self.changes_something() && !faults::is(Fault::RequestRepeated))
        else {
            return (self.function)(&mut call, body);
        };
        // Each caller has ids of his own: nobody is given another's answer. The same id with another question is a
        // mistake of the caller, not a repetition.
        let request_id = format!("{}/{request_id}", caller.name);
        let question = format!("{} {body}", self.name);
        if let Some((asked, answer)) = call.answer_of(&request_id)? {
            if asked != question {
                let message = "was already used for another request (over HTTP: as Idempotency-Key): give each its own";
                return Err(ApiError::invalid("request_id", message).into());
            }
            let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
            return Ok(answer.as_object().cloned().unwrap_or_default());
        }
        let answer = (self.function)(&mut call, body)?;
        call.remember_answer(&request_id, &question, &Value::Object(answer.clone()).to_string())?;
        Ok(answer)
    }
}

fn answer(response: &impl Serialize) -> Result<Map<String, Value>, Failure> {
    match serde_json::to_value(response) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Failure::Unwritable("is no object".to_owned())),
        Err(error) => Err(Failure::Unwritable(error.to_string())),
    }
}

fn schemas<A: ToSchema>() -> Schemas {
    let written = |schema| serde_json::to_value(schema).unwrap_or_default();
    let mut inner = Vec::new();
    A::schemas(&mut inner);
    (written(A::schema()), inner.into_iter().map(|(name, schema)| (name, written(schema))).collect())
}
