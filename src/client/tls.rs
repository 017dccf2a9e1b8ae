//! Decides which certificates to trust: those of the system's authorities and of files.

use std::{io::Read, path::PathBuf, sync::Arc};

use rustls::{
    CertificateError, CipherSuite, ClientConfig, DigitallySignedStruct, Error as TlsError,
    RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier;

use crate::{
    error::{Error, Result, without_number},
    regular_file::open_regular,
};

/// When a client uses TLS.
#[derive(Clone, Copy, Debug)]
pub(super) enum Usage {
    Always,
    /// If it needs a proxy with `https://`.
    ForProxies,
    /// Authorities are not needed. It takes milliseconds to read them.
    Never,
}

/// TLS with the system's authorities and the certificates in `files`, in PEM format.
///
/// # Errors
/// [`Error::Configuration`] names a file that cannot be used, if TLS is used.
pub(super) fn config(files: &[PathBuf], usage: Usage) -> Result<ClientConfig> {
    let provider = Arc::new(provider());
    let failed = |error: TlsError| Error::configuration(format!("cannot set up TLS: {error}"));
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let trust = match usage {
        Usage::Always => Some(Trust::new(named_certificates(files)?, provider).map_err(failed)?),
        // A machine without authorities can still reach http://.
        Usage::ForProxies => Trust::new(named_certificates(files)?, provider).ok(),
        Usage::Never => None,
    };
    let mut config = match trust {
        Some(trust) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trust))
            .with_no_client_auth(),
        None => builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// AES with keys of 128 bits comes first, as in browsers and in Go: it takes less CPU time than with
/// 256 bits, and uploads are long.
fn provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    provider.cipher_suites.sort_by_key(|suite| {
        !matches!(
            suite.suite(),
            CipherSuite::TLS13_AES_128_GCM_SHA256
                | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
                | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
        )
    });
    provider
}

fn named_certificates(files: &[PathBuf]) -> Result<Vec<CertificateDer<'static>>> {
    let mut named: Vec<CertificateDer<'static>> = Vec::new();
    for file in files {
        let refuse = |why: &str| Error::configuration(format!("{}: {why}", file.display()));
        let read = || {
            let mut pem = Vec::new();
            open_regular(file)?.0.read_to_end(&mut pem).map(|_| pem)
        };
        let pem = read().map_err(|error| refuse(without_number(&error.to_string())))?;
        // An unreadable certificate does not affect the others.
        let certificates = CertificateDer::pem_slice_iter(&pem).flatten();
        let usable = certificates.filter(|der| ParsedCertificate::try_from(der).is_ok());
        let before = named.len();
        named.extend(usable);
        if named.len() == before {
            return Err(refuse("it contains no usable certificates in PEM form"));
        }
    }
    Ok(named)
}

/// The verifier of the platform. It also accepts a server certificate that is itself in one of the
/// files, byte for byte: `openssl req -x509` makes certificates of authorities, which no verifier
/// accepts for a server.
#[derive(Debug)]
struct Trust {
    platform: Verifier,
    /// Trusts only the certificates in files; `None` if there are none.
    named_only: Option<Arc<WebPkiServerVerifier>>,
    named: Vec<CertificateDer<'static>>,
}

impl Trust {
    fn new(
        named: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let platform = Verifier::new_with_extra_roots(named.clone(), Arc::clone(&provider))?;
        let named_only = if named.is_empty() {
            None
        } else {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(named.iter().cloned());
            let builder = WebPkiServerVerifier::builder_with_provider(roots.into(), provider);
            Some(builder.build().map_err(|error| TlsError::General(error.to_string()))?)
        };
        Ok(Self { platform, named_only, named })
    }
}

/// Checks a certificate that is itself in a file. webpki checks its dates before it checks whether
/// it may be a server's.
fn verify_named(
    verifier: &WebPkiServerVerifier,
    end_entity: &CertificateDer<'_>,
    server_name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, TlsError> {
    match verifier.verify_server_cert(end_entity, &[], server_name, &[], now) {
        Err(TlsError::InvalidCertificate(error)) if is_of_an_authority(&error) => {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            Ok(ServerCertVerified::assertion())
        }
        verdict => verdict,
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        match &self.named_only {
            Some(verifier) if self.named.iter().any(|named| named == end_entity) => {
                verify_named(verifier, end_entity, server_name, now)
            }
            _ => self.platform.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.platform.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.platform.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.platform.supported_verify_schemes()
    }
}

/// Whether a certificate is rejected only because it is an authority's.
pub(super) fn is_of_an_authority(error: &CertificateError) -> bool {
    let CertificateError::Other(other) = error else { return false };
    matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

#[cfg(test)]
mod tests {
    use super::{CipherSuite, provider, ring};

    #[test]
    fn aes_with_128_bits_is_offered_first_and_nothing_is_left_out() {
        let offered = provider().cipher_suites;
        assert_eq!(offered[0].suite(), CipherSuite::TLS13_AES_128_GCM_SHA256);
        let default = ring::default_provider().cipher_suites;
        assert_eq!(offered.len(), default.len());
        assert!(default.iter().all(|suite| offered.contains(suite)));
    }
}
