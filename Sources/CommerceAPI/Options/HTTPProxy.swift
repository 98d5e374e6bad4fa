import Foundation

/// An HTTP proxy that connections to the store go through (`CONNECT`). Its password shows in no description or dump.
package struct HTTPProxy: Sendable, Hashable {
    let host: String
    /// 80 if the URL names none.
    let port: Int
    let user: String?
    let password: String?

    /// Reads `http://HOST:PORT`, with `USER:PASSWORD@` before the host if the proxy asks for them; `HOST:PORT` is the
    /// same.
    ///
    /// - Throws: `InvalidConnectionSetting`, which says what to change and shows no password.
    package init(_ text: String) throws(InvalidConnectionSetting) {
        let text = text.contains("://") ? text : "http://" + text
        guard let parts = URLComponents(string: text), let host = parts.host, !host.isEmpty else {
            throw InvalidConnectionSetting("it is not a URL such as http://proxy.example:3128")
        }
        guard parts.scheme?.lowercased() == "http" else {
            throw InvalidConnectionSetting(
                "it is reached by \(parts.scheme ?? "nothing")://; only HTTP proxies are spoken to, as http://HOST:PORT"
            )
        }
        guard parts.path.isEmpty || parts.path == "/", parts.query == nil, parts.fragment == nil else {
            throw InvalidConnectionSetting("it has more than a host and a port; leave out what follows them")
        }
        guard (1...65_535).contains(parts.port ?? 80) else {
            throw InvalidConnectionSetting("its port is not 1 to 65535")
        }
        self.host = host.trimmingBrackets
        port = parts.port ?? 80
        user = parts.user
        password = parts.password
    }

    /// The proxy that the usual variables of the environment name for a store, and the variable; nil for none.
    ///
    /// `HTTPS_PROXY`, else `ALL_PROXY`, in upper or lower case, unless `NO_PROXY` names the store: a list of hosts,
    /// domains and `*`, with or without a port. This very machine is never spoken to through a proxy of the environment.
    ///
    /// - Throws: `InvalidConnectionSetting` with the variable's name, if its value is not a proxy.
    package static func named(
        in environment: [String: String], for store: BaseURL
    ) throws(InvalidConnectionSetting) -> (proxy: HTTPProxy, variable: String)? {
        guard store.isEncrypted else { return nil }
        func value(_ name: String) -> (String, String)? {
            for name in [name, name.lowercased()] {
                if let text = environment[name], !text.isEmpty { return (name, text) }
            }
            return nil
        }
        guard !store.isLoopback, let (name, text) = value("HTTPS_PROXY") ?? value("ALL_PROXY") else { return nil }
        if let (_, exceptions) = value("NO_PROXY"), isExcepted(store, exceptions) { return nil }
        do {
            return (try HTTPProxy(text), name)
        } catch {
            throw InvalidConnectionSetting("environment \(name): \(error.description)")
        }
    }

    private static func isExcepted(_ store: BaseURL, _ exceptions: String) -> Bool {
        let host = store.host.lowercased().trimmingBrackets
        return exceptions.split(whereSeparator: { ", ".contains($0) }).contains { word in
            var word = word.lowercased()
            if word == "*" { return true }
            if let colon = word.lastIndex(of: ":"), let port = Int(word[word.index(after: colon)...]) {
                guard port == store.port else { return false }
                word = String(word[..<colon])
            }
            word = word.trimmingBrackets
            while word.hasPrefix(".") || word.hasPrefix("*") { word.removeFirst() }
            return !word.isEmpty && (host == word || host.hasSuffix("." + word))
        }
    }
}

extension HTTPProxy: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "\(host):\(port)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["host": host, "port": port]) }
}

/// Why a proxy, a header or a file of certificates cannot be used; without the text in question, which may be a secret.
package struct InvalidConnectionSetting: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension String {
    /// An IPv6 address without the brackets that a URL puts around it.
    var trimmingBrackets: String {
        hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self
    }
}
