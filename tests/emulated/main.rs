//! The program for a Raspberry Pi, cross-built by `tests/run arm64` and run here by qemu.

#[cfg(test)]
mod raspberry_pi;
