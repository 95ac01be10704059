//! The description of the API that is checked in, `docs/openapi.json`, is the one that the hub serves.

#[cfg(test)]
mod tests {
    use std::path::Path;

    use keyway::hub::openapi;
    use keyway_test_support::assert_golden;

    #[test]
    fn the_description_that_is_checked_in_is_the_one_that_is_served() {
        assert_golden(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json"), &openapi());
    }
}
