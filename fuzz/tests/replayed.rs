//! Every seed is given to its target: what was once found stays found, without a fuzzer.

use std::path::Path;

use keyway_fuzz::TARGETS;

#[test]
fn no_seed_is_too_much_for_its_target() {
    for (name, target) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
        let mut seeds: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        seeds.sort();
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for seed in seeds {
            let data = std::fs::read(&seed).unwrap();
            // The last line of a failure is then the seed that did it.
            eprintln!("{name}: {}", seed.display());
            target(&data);
        }
    }
}
