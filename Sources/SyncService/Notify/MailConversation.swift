import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// One conversation with a mail server: RFC 5321, TLS by STARTTLS (RFC 3207) or from the start, login by AUTH PLAIN (RFC 4616)
/// or LOGIN.
///
/// Nothing is said unencrypted but to this machine.
struct MailConversation {
    /// How long all of it may take.
    private static let limit = TimeAmount.seconds(30)
    /// The most bytes of one answer.
    static let longestAnswer = 64 << 10

    private let channel: any Channel
    private var answers: AsyncThrowingStream<MailAnswer, any Error>.Iterator
    private let server: MailServer

    static func send(_ message: MailMessage, by receiver: MailReceiver) async throws(NoticeError) {
        let server = receiver.server
        do {
            let tls = try context(receiver.authorities)
            let (answers, continuation) = AsyncThrowingStream.makeStream(of: MailAnswer.self)
            let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(.seconds(10))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        if server.isEncrypted { try pipeline.addHandler(handler(tls, server)) }
                        try pipeline.addHandler(MailAnswers(continuation))
                    }
                }
            let channel = try await bootstrap.connect(host: server.host, port: server.port).get()
            let deadline = channel.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
            defer {
                deadline.cancel()
                channel.close(promise: nil)
            }
            var conversation = MailConversation(
                channel: channel, answers: answers.makeAsyncIterator(), server: server)
            try await conversation.greet(tls)
            if let login = receiver.login { try await conversation.log(in: login) }
            try await conversation.deliver(message, from: receiver.from, to: receiver.to)
        } catch let error as NoticeError {
            throw error
        } catch {
            throw NoticeError("\(server.host):\(server.port) does not take the mail: \(Self.words(error))")
        }
    }

    private static func words(_ error: any Error) -> String {
        error is ChannelError ? "the connection ended, or took too long" : String("\(error)".prefix(200))
    }

    private static func context(_ authorities: String?) throws -> NIOSSLContext {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if let authorities {
            guard let trusted = try? NIOSSLCertificate.fromPEMFile(authorities), !trusted.isEmpty else {
                throw NoticeError("notify.smtp-ca-file: \(authorities) cannot be read in PEM form")
            }
            tls.trustRoots = .certificates(trusted)
        }
        return try NIOSSLContext(configuration: tls)
    }

    private static func handler(_ tls: NIOSSLContext, _ server: MailServer) throws -> NIOSSLClientHandler {
        // An address is no name that could be sent ahead; its certificate has to have it.
        let isAddress = HostName(server.host.contains(":") ? "[\(server.host)]" : server.host)?.isAddress == true
        return try NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : server.host)
    }

    // MARK: - What is said

    private mutating func greet(_ tls: NIOSSLContext) async throws {
        try await answer(to: nil, wanted: 220...220)
        var offers = try await answer(to: "EHLO localhost", wanted: 250...250).lines
        guard !server.isEncrypted else { return try remember(offers) }
        if offers.contains(where: { $0.uppercased() == "STARTTLS" }) {
            try await answer(to: "STARTTLS", wanted: 220...220)
            let server = server
            try await channel.eventLoop.submit { [channel] in
                try channel.pipeline.syncOperations.addHandler(Self.handler(tls, server), position: .first)
            }.get()
            offers = try await answer(to: "EHLO localhost", wanted: 250...250).lines
        } else if !server.isLoopback {
            throw NoticeError(
                "\(server.host) offers no TLS (STARTTLS), and mail does not go unencrypted; set smtps:// if it speaks TLS from the "
                    + "start")
        }
        try remember(offers)
    }

    private var logins: Set<Substring> = []

    private mutating func remember(_ offers: [String]) throws {
        let line = offers.first { $0.uppercased().hasPrefix("AUTH ") } ?? ""
        logins = Set(line.uppercased().split(separator: " ").dropFirst())
    }

    private mutating func log(in login: (user: String, password: String)) async throws {
        func coded(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
        if logins.contains("LOGIN") && !logins.contains("PLAIN") {
            try await answer(to: "AUTH LOGIN", wanted: 334...334)
            try await answer(to: coded(login.user), wanted: 334...334, shown: "the user")
            try await answer(to: coded(login.password), wanted: 235...235, shown: "the login")
            return
        }
        try await answer(
            to: "AUTH PLAIN \(coded("\0\(login.user)\0\(login.password)"))", wanted: 235...235, shown: "the login")
    }

    private mutating func deliver(_ message: MailMessage, from: String, to: [String]) async throws {
        try await answer(to: "MAIL FROM:<\(from)>", wanted: 250...250)
        for address in to { try await answer(to: "RCPT TO:<\(address)>", wanted: 250...251) }
        try await answer(to: "DATA", wanted: 354...354)
        try await answer(to: message.text + ".", wanted: 250...250, shown: "the message")
        // It has the message; how it says goodbye does not matter.
        try? await channel.writeAndFlush(ByteBuffer(string: "QUIT\r\n"))
    }

    /// Says a line and reads the answer.
    ///
    /// - Parameter shown: what stands for the line in an error; nil for the line.
    @discardableResult
    private mutating func answer(
        to line: String?, wanted: ClosedRange<Int>, shown: String? = nil
    ) async throws -> MailAnswer {
        if let line { try await channel.writeAndFlush(ByteBuffer(string: line + "\r\n")) }
        guard let answer = try await answers.next(isolation: #isolation) else { throw ChannelError.eof }
        guard wanted.contains(answer.code) else {
            throw NoticeError(
                "\(server.host) answered \(answer.code) to \(shown ?? line ?? "the connection"): "
                    + "\(plain(String(answer.lines.joined(separator: " ").prefix(200))))")
        }
        return answer
    }
}

/// What a mail server answers.
struct MailAnswer: Sendable, Equatable {
    let code: Int
    /// The texts of its lines.
    let lines: [String]
}

/// Puts the answers of a mail server together from lines: `250-MORE`, then `250 LAST` (RFC 5321, 4.2.1).
final class MailAnswers: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let answers: AsyncThrowingStream<MailAnswer, any Error>.Continuation
    private var bytes: [UInt8] = []
    private var lines: [String] = []

    init(_ answers: AsyncThrowingStream<MailAnswer, any Error>.Continuation) { self.answers = answers }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes += unwrapInboundIn(data).readableBytesView
        while let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
            let line = String(decoding: bytes[..<end], as: UTF8.self).trimmingCharacters(in: .newlines)
            bytes.removeSubrange(...end)
            guard let code = Int(line.prefix(3)), line.count >= 3 else { return fail(context) }
            lines.append(String(line.dropFirst(4)))
            guard line.dropFirst(3).first != "-" else { continue }
            answers.yield(MailAnswer(code: code, lines: lines))
            lines = []
            // What comes behind an answer before it is asked for could be meant to be taken for encrypted.
            if !bytes.isEmpty { return fail(context) }
        }
        if bytes.count > MailConversation.longestAnswer || lines.count > 1000 { fail(context) }
    }

    private func fail(_ context: ChannelHandlerContext) {
        answers.finish(throwing: NoticeError("what answers does not speak SMTP"))
        context.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        answers.finish(throwing: error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        answers.finish(throwing: ChannelError.eof)
        context.fireChannelInactive()
    }
}
