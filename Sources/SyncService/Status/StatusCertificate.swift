import NIOSSL

/// The certificate that the status server shows, and its key.
package struct StatusCertificate: Sendable {
    let tls: TLSConfiguration

    /// Reads both files, in PEM form: the certificate with those between it and its authority. TLS is 1.2 at least.
    ///
    /// Throws `StatusServerError.unusableCertificate`.
    package init(certificate: String, key: String) throws(StatusServerError) {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificate)
            guard !chain.isEmpty else { throw StatusServerError.unusableCertificate(certificate, key) }
            var tls = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
            tls.minimumTLSVersion = .tlsv12
            // A key of another certificate is found here and not at the first request.
            _ = try NIOSSLContext(configuration: tls)
            self.tls = tls
        } catch {
            throw .unusableCertificate(certificate, key)
        }
    }
}
