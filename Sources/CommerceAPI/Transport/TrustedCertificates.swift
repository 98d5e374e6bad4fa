import NIOSSL

/// The authorities that a store's certificate may come from, instead of the system's.
package struct TrustedCertificates: Sendable, Hashable {
    let certificates: [NIOSSLCertificate]

    /// Reads a file of certificates in PEM form.
    ///
    /// - Throws: `InvalidConnectionSetting` if it cannot be read or holds no certificate.
    package init(file: String) throws(InvalidConnectionSetting) {
        do {
            certificates = try NIOSSLCertificate.fromPEMFile(file)
        } catch {
            throw InvalidConnectionSetting(
                "api.ca-file: \(file) cannot be read as certificates in PEM form; check the name and the file")
        }
        guard !certificates.isEmpty else { throw InvalidConnectionSetting("api.ca-file: \(file) holds no certificate") }
    }
}

extension APIOptions {
    /// How TLS is spoken to the store: version 1.2 at least.
    var tls: TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if let trusted { tls.trustRoots = .certificates(trusted.certificates) }
        return tls
    }
}

extension NIOSSLError {
    /// Why no secure connection came about; nil if one did.
    var handshakeWords: String? {
        switch self {
        case .handshakeFailed(let error):
            let text = "\(error)"
            if text.contains("CERTIFICATE_VERIFY_FAILED") {
                return "its certificate is not trusted; where a company's own authority signs it, set api.ca-file"
            }
            return "TLS failed: \(text.printable(limit: 160))"
        case .unableToValidateCertificate, .noCertificateToValidate: return "its certificate cannot be checked"
        default: return nil
        }
    }
}
