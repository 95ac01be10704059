//! The Debian package on a machine of its own: a container of Debian trixie with its systemd, in which it is installed, run,
//! killed, hung, backed up, upgraded and purged. What is packed is the program under test.
//!
//! `tests/run service` makes the container's image once, and gives the tests a network of their own: inside and outside
//! share it, so that the broker, the stick and the hub are reached at their usual ports.

#[cfg(test)]
mod backed_up;
#[cfg(test)]
mod container;
#[cfg(test)]
mod hung;
#[cfg(test)]
mod installed;
#[cfg(test)]
mod package;
#[cfg(test)]
mod purged;
#[cfg(test)]
mod upgraded;
#[cfg(test)]
mod working;
