//! Describes TLS failures: the messages of the library are names of its types.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use rustls::{AlertDescription, CertificateError, Error, pki_types::UnixTime};

use super::tls::is_of_an_authority;
use crate::message::listed;

/// Why TLS failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TlsFailure {
    /// The certificate cannot be trusted.
    Certificate(String),
    /// The server does not speak TLS in a way that this client supports.
    Incompatible(&'static str),
    /// The connection broke.
    Broken(String),
}

/// Describes a TLS failure; `files` contain additional certificates.
pub(super) fn failure(error: &Error, files: &[PathBuf]) -> TlsFailure {
    use TlsFailure::{Broken, Certificate, Incompatible};
    match error {
        Error::InvalidCertificate(error) => Certificate(certificate(error, files)),
        Error::NoCertificatesPresented => Certificate("the server presents none".to_owned()),
        Error::InvalidMessage(_) => {
            Incompatible("it does not speak TLS; is its URL one of http://?")
        }
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol => {
            Incompatible(NOTHING_IN_COMMON)
        }
        Error::AlertReceived(alert) => alerted(*alert),
        Error::PeerMisbehaved(_) | Error::InappropriateHandshakeMessage { .. } => {
            Broken("it violates the TLS protocol".to_owned())
        }
        Error::DecryptError | Error::PeerSentOversizedRecord => {
            Broken("TLS data was corrupted in transit".to_owned())
        }
        _ => Broken("TLS failed".to_owned()),
    }
}

const NOTHING_IN_COMMON: &str =
    "it shares no TLS version or cipher with this client, which supports TLS 1.2 and 1.3";

fn alerted(alert: AlertDescription) -> TlsFailure {
    use AlertDescription as Alert;
    match alert {
        Alert::ProtocolVersion
        | Alert::HandshakeFailure
        | Alert::InsufficientSecurity
        | Alert::NoApplicationProtocol => TlsFailure::Incompatible(NOTHING_IN_COMMON),
        Alert::UnrecognisedName => TlsFailure::Incompatible("it does not serve this host name"),
        Alert::CertificateRequired
        | Alert::BadCertificate
        | Alert::NoCertificate
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied => TlsFailure::Incompatible(
            "it asks clients for a certificate, which sutro does not support",
        ),
        alert => TlsFailure::Broken(format!("it ended TLS with alert {}", u8::from(alert))),
    }
}

fn certificate(error: &CertificateError, files: &[PathBuf]) -> String {
    use CertificateError as Why;
    match error {
        Why::ExpiredContext { not_after, .. } => {
            format!("it has expired{}. {CLOCK}", moment(" on ", *not_after))
        }
        Why::Expired => format!("it has expired. {CLOCK}"),
        Why::NotValidYetContext { not_before, .. } => {
            format!("it is not valid before{}. {CLOCK}", moment(" ", *not_before))
        }
        Why::NotValidYet => format!("it is not valid yet. {CLOCK}"),
        Why::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            let names: Vec<_> = presented.iter().map(|name| plain_name(name)).collect();
            format!("it is for {}. Is the API URL right?", listed(&names))
        }
        Why::NotValidForNameContext { .. } | Why::NotValidForName => {
            "it is for no host (it has no subjectAltName). Is the API URL right?".to_owned()
        }
        Why::UnknownIssuer => unknown(files),
        error if is_of_an_authority(error) => unknown(files),
        Why::Revoked => "it was revoked".to_owned(),
        Why::BadSignature => "its signature is wrong".to_owned(),
        Why::UnsupportedSignatureAlgorithmContext { .. }
        | Why::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "its signature algorithm is insecure or unknown".to_owned()
        }
        Why::Other(other) if other.0.is::<webpki::Error>() => {
            "it is malformed or invalid".to_owned()
        }
        // The platform's verifier does not report the purpose.
        Why::InvalidPurpose | Why::InvalidPurposeContext { .. } | Why::Other(_) => {
            "it is not valid for servers".to_owned()
        }
        Why::BadEncoding | Why::UnhandledCriticalExtension => "it is malformed".to_owned(),
        _ => "it was not accepted".to_owned(),
    }
}

const CLOCK: &str = "The operator of the server must renew it, unless the clock of this machine is \
                     wrong";

fn unknown(files: &[PathBuf]) -> String {
    let cause = "this machine does not know who issued it";
    let advice = "Behind a company's proxy, install its certificate on this machine, or set \
                  SUTRO_CA_BUNDLE to a file that contains it";
    if files.is_empty() {
        return format!("{cause}. {advice}");
    }
    let files: Vec<_> = files.iter().map(|file| file.display()).collect();
    format!("{cause}, and it is not in {}. {advice}", listed(&files))
}

/// ` on 2026-11-26`; empty for a time outside of the calendar.
fn moment(before: &str, time: UnixTime) -> String {
    let time = i64::try_from(time.as_secs()).ok();
    let date = time.and_then(|time| DateTime::<Utc>::from_timestamp(time, 0));
    date.map_or_else(String::new, |date| format!("{before}{}", date.format("%Y-%m-%d")))
}

/// `example.org` of `DnsName("example.org")`.
fn plain_name(name: &str) -> &str {
    let inside = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inside.map_or(name, |name| name.trim_matches('"'))
}
