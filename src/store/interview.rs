//! How far a lock's interview is, as JSON.

use keyway_lock::{InterviewProgress, InterviewStage};
use serde_json::{Value, json};

/// `None`: none is under way.
pub(super) fn encode(progress: &InterviewProgress) -> Option<String> {
    let (stage, waits) = match progress {
        InterviewProgress::Idle => return None,
        InterviewProgress::Asking(stage) => (stage, false),
        InterviewProgress::Waiting(stage) => (stage, true),
    };
    let InterviewStage { stage, stages, name } = stage;
    Some(json!({"stage": stage, "stages": stages, "name": name, "waits": waits}).to_string())
}

/// What [`encode`] made; the name of the field that is missing or wrong, if it is not that.
pub(super) fn decode(text: Option<&str>) -> Result<InterviewProgress, &'static str> {
    let Some(text) = text else { return Ok(InterviewProgress::Idle) };
    let json: Value = serde_json::from_str(text).map_err(|_| "is not JSON")?;
    let count = |field| json[field].as_u64().and_then(|number| u8::try_from(number).ok()).ok_or(field);
    let name = json["name"].as_str().ok_or("name")?.to_owned();
    let stage = InterviewStage { stage: count("stage")?, stages: count("stages")?, name };
    let waits = json["waits"].as_bool().ok_or("waits")?;
    Ok(if waits { InterviewProgress::Waiting(stage) } else { InterviewProgress::Asking(stage) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_as_it_was_written_and_what_is_wrong_is_named() {
        let stage = InterviewStage { stage: 7, stages: 16, name: "number of code slots".to_owned() };
        for progress in [InterviewProgress::Asking(stage.clone()), InterviewProgress::Waiting(stage)] {
            assert_eq!(decode(encode(&progress).as_deref()), Ok(progress));
        }
        assert_eq!(encode(&InterviewProgress::Idle), None);
        assert_eq!(decode(Some(r#"{"stage": 300, "stages": 16, "name": "", "waits": true}"#)), Err("stage"));
    }
}
