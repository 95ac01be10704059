//! The commands that every cluster has (ZCL 2.5, "General Command Frames"); those about reporting are in
//! [`super::reporting`].

use keyway_lock::wire::Reader;

use super::{DataType, Frame, Scope, Status, Value, ZclError};
use crate::zcl::reporting::{Configured, Reporting};

/// Command ids.
pub mod command {
    /// Read Attributes.
    pub const READ: u8 = 0x00;
    /// Read Attributes Response.
    pub const READ_RESPONSE: u8 = 0x01;
    /// Write Attributes.
    pub const WRITE: u8 = 0x02;
    /// Write Attributes Response.
    pub const WRITE_RESPONSE: u8 = 0x04;
    /// Configure Reporting.
    pub const CONFIGURE_REPORTING: u8 = 0x06;
    /// Configure Reporting Response.
    pub const CONFIGURE_REPORTING_RESPONSE: u8 = 0x07;
    /// Read Reporting Configuration.
    pub const READ_REPORTING: u8 = 0x08;
    /// Read Reporting Configuration Response.
    pub const READ_REPORTING_RESPONSE: u8 = 0x09;
    /// Report Attributes.
    pub const REPORT: u8 = 0x0A;
    /// Default Response.
    pub const DEFAULT_RESPONSE: u8 = 0x0B;
    /// Discover Attributes.
    pub const DISCOVER: u8 = 0x0C;
    /// Discover Attributes Response.
    pub const DISCOVER_RESPONSE: u8 = 0x0D;
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum General {
    /// What are these?
    Read(Vec<u16>),
    /// So, or why not.
    ReadResponse(Vec<(u16, Result<Value, Status>)>),
    /// Be this.
    Write(Vec<(u16, Value)>),
    /// Which could not be written; empty: all were.
    WriteResponse(Vec<(Status, u16)>),
    /// Report these by yourself.
    ConfigureReporting(Vec<Reporting>),
    /// Which will not be reported; empty: all will.
    ConfigureReportingResponse(Vec<(Status, u16)>),
    /// How do you report these?
    ReadReporting(Vec<u16>),
    /// So.
    ReadReportingResponse(Vec<Configured>),
    /// By itself: these are now.
    Report(Vec<(u16, Value)>),
    /// How a command went that has no answer of its own, or could not be carried out.
    DefaultResponse {
        /// Which command.
        command: u8,
        /// How it went.
        status: Status,
    },
    /// Which attributes do you have, from this one on?
    Discover {
        /// The first.
        start: u16,
        /// So many at most.
        most: u8,
    },
    /// These.
    DiscoverResponse {
        /// There are no more.
        complete: bool,
        /// With their types.
        attributes: Vec<(u16, DataType)>,
    },
}

impl General {
    /// Command id and payload.
    pub fn encode(&self) -> (u8, Vec<u8>) {
        let mut out = Vec::new();
        let id = match self {
            Self::Read(ids) => {
                ids.iter().for_each(|id| out.extend(id.to_le_bytes()));
                command::READ
            }
            Self::ReadResponse(records) => {
                for (id, result) in records {
                    out.extend(id.to_le_bytes());
                    match result {
                        Ok(value) => {
                            out.push(Status::SUCCESS.0);
                            value.encode(&mut out);
                        }
                        Err(status) => out.push(status.0),
                    }
                }
                command::READ_RESPONSE
            }
            Self::Write(values) | Self::Report(values) => {
                for (id, value) in values {
                    out.extend(id.to_le_bytes());
                    value.encode(&mut out);
                }
                if matches!(self, Self::Write(_)) { command::WRITE } else { command::REPORT }
            }
            Self::WriteResponse(failed) => {
                failed.iter().for_each(|(status, id)| {
                    out.push(status.0);
                    out.extend(id.to_le_bytes());
                });
                // One status alone says that all were written.
                if failed.is_empty() {
                    out.push(Status::SUCCESS.0);
                }
                command::WRITE_RESPONSE
            }
            Self::ConfigureReporting(records) => {
                records.iter().for_each(|record| record.encode(&mut out));
                command::CONFIGURE_REPORTING
            }
            Self::ConfigureReportingResponse(failed) => {
                failed.iter().for_each(|(status, id)| {
                    out.extend([status.0, 0x00]);
                    out.extend(id.to_le_bytes());
                });
                if failed.is_empty() {
                    out.push(Status::SUCCESS.0);
                }
                command::CONFIGURE_REPORTING_RESPONSE
            }
            Self::ReadReporting(ids) => {
                ids.iter().for_each(|id| {
                    out.push(0x00);
                    out.extend(id.to_le_bytes());
                });
                command::READ_REPORTING
            }
            Self::ReadReportingResponse(records) => {
                records.iter().for_each(|record| record.encode(&mut out));
                command::READ_REPORTING_RESPONSE
            }
            Self::DefaultResponse { command, status } => {
                out.extend([*command, status.0]);
                command::DEFAULT_RESPONSE
            }
            Self::Discover { start, most } => {
                out.extend(start.to_le_bytes());
                out.push(*most);
                command::DISCOVER
            }
            Self::DiscoverResponse { complete, attributes } => {
                out.push((*complete).into());
                attributes.iter().for_each(|(id, kind)| {
                    out.extend(id.to_le_bytes());
                    out.push(kind.0);
                });
                command::DISCOVER_RESPONSE
            }
        };
        (id, out)
    }

    /// As a frame to the device that has the cluster.
    pub fn to_server(&self, sequence: u8) -> Frame {
        let (command, payload) = self.encode();
        Frame { scope: Scope::General, ..Frame::to_server(sequence, command, payload) }
    }

    /// As the answer to a frame.
    pub fn answer(&self, question: &Frame) -> Frame {
        let (command, payload) = self.encode();
        question.answered(Scope::General, command, payload)
    }

    /// Reads a frame's command and payload.
    ///
    /// # Errors
    /// [`ZclError`].
    pub fn decode(id: u8, payload: &[u8]) -> Result<Self, ZclError> {
        let mut reader = Reader::new(payload);
        Ok(match id {
            command::READ => Self::Read(list(&mut reader, |reader| Ok(reader.u16_le("attribute")?))?),
            command::READ_RESPONSE => Self::ReadResponse(list(&mut reader, |reader| {
                let id = reader.u16_le("attribute")?;
                let status = Status(reader.u8("status")?);
                Ok((id, if status.is_success() { Ok(Value::decode(reader)?) } else { Err(status) }))
            })?),
            command::WRITE => Self::Write(list(&mut reader, attribute)?),
            command::REPORT => Self::Report(list(&mut reader, attribute)?),
            command::WRITE_RESPONSE => {
                let failed = |reader: &mut Reader<'_>| Ok((Status(reader.u8("status")?), reader.u16_le("attribute")?));
                Self::WriteResponse(if payload.len() == 1 { all_failed(payload)? } else { list(&mut reader, failed)? })
            }
            command::CONFIGURE_REPORTING => Self::ConfigureReporting(list(&mut reader, Reporting::decode)?),
            command::CONFIGURE_REPORTING_RESPONSE => {
                let failed = |reader: &mut Reader<'_>| {
                    let status = Status(reader.u8("status")?);
                    reader.u8("direction")?;
                    Ok((status, reader.u16_le("attribute")?))
                };
                let failed = if payload.len() == 1 { all_failed(payload)? } else { list(&mut reader, failed)? };
                Self::ConfigureReportingResponse(
                    failed.into_iter().filter(|(status, _)| !status.is_success()).collect(),
                )
            }
            command::READ_REPORTING => Self::ReadReporting(list(&mut reader, |reader| {
                reader.u8("direction")?;
                Ok(reader.u16_le("attribute")?)
            })?),
            command::READ_REPORTING_RESPONSE => Self::ReadReportingResponse(list(&mut reader, Configured::decode)?),
            command::DEFAULT_RESPONSE => {
                Self::DefaultResponse { command: reader.u8("command")?, status: Status(reader.u8("status")?) }
            }
            command::DISCOVER => {
                Self::Discover { start: reader.u16_le("first attribute")?, most: reader.u8("most attributes")? }
            }
            command::DISCOVER_RESPONSE => Self::DiscoverResponse {
                complete: reader.u8("discovery complete")? != 0,
                attributes: list(&mut reader, |reader| {
                    Ok((reader.u16_le("attribute")?, DataType(reader.u8("data type")?)))
                })?,
            },
            _ => return Err(ZclError::UnknownCommand(id)),
        })
    }
}

fn attribute(reader: &mut Reader<'_>) -> Result<(u16, Value), ZclError> {
    Ok((reader.u16_le("attribute")?, Value::decode(reader)?))
}

fn list<T>(
    reader: &mut Reader<'_>,
    mut one: impl FnMut(&mut Reader<'_>) -> Result<T, ZclError>,
) -> Result<Vec<T>, ZclError> {
    let mut all = Vec::new();
    while reader.left() > 0 {
        all.push(one(reader)?);
    }
    Ok(all)
}

/// A single status is about all attributes; one that is no success names none, and stands for the first.
fn all_failed(payload: &[u8]) -> Result<Vec<(Status, u16)>, ZclError> {
    let status = Status(Reader::new(payload).u8("status")?);
    Ok(if status.is_success() { Vec::new() } else { vec![(status, u16::MAX)] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_after(general: General) -> Vec<u8> {
        let (id, payload) = general.encode();
        assert_eq!(General::decode(id, &payload), Ok(general));
        payload
    }

    #[test]
    fn attributes_are_read_with_their_values_or_the_reason_why_not() {
        assert_eq!(same_after(General::Read(vec![0x0012, 0x0017])), [0x12, 0, 0x17, 0]);
        let users = (0x0012, Ok(Value::number(DataType::UINT16, 30)));
        let response = General::ReadResponse(vec![users, (0x0017, Err(Status::UNSUPPORTED_ATTRIBUTE))]);
        assert_eq!(same_after(response), [0x12, 0, 0, 0x21, 30, 0, 0x17, 0, 0x86]);
    }

    #[test]
    fn one_status_alone_is_about_all_attributes() {
        assert_eq!(same_after(General::WriteResponse(vec![])), [0]);
        assert_eq!(same_after(General::WriteResponse(vec![(Status::READ_ONLY, 0x0023)])), [0x88, 0x23, 0]);
        assert_eq!(same_after(General::ConfigureReportingResponse(vec![])), [0]);
        let refused = General::ConfigureReportingResponse(vec![(Status::UNREPORTABLE_ATTRIBUTE, 0)]);
        assert_eq!(same_after(refused), [0x8C, 0, 0, 0]);
        let all = General::decode(command::WRITE_RESPONSE, &[0x87]);
        assert_eq!(all, Ok(General::WriteResponse(vec![(Status::INVALID_VALUE, u16::MAX)])));
    }

    #[test]
    fn reports_writes_discoveries_and_default_responses_are_read_as_they_were_written() {
        same_after(General::Report(vec![(0, Value::number(DataType::ENUM8, 1))]));
        same_after(General::Write(vec![(0x0032, Value::boolean(true))]));
        assert_eq!(same_after(General::DefaultResponse { command: 5, status: Status::FAILURE }), [5, 1]);
        same_after(General::Discover { start: 0x10, most: 20 });
        let attributes = vec![(0x0012, DataType::UINT16)];
        assert_eq!(same_after(General::DiscoverResponse { complete: true, attributes }), [1, 0x12, 0, 0x21]);
        same_after(General::ReadReporting(vec![0x0021]));
    }

    #[test]
    fn half_an_attribute_is_refused() {
        assert!(General::decode(command::READ, &[1]).is_err());
        assert!(General::decode(command::REPORT, &[0, 0, 0x21, 1]).is_err());
        assert_eq!(General::decode(0x77, &[]), Err(ZclError::UnknownCommand(0x77)));
    }
}
