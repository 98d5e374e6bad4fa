// swift-tools-version: 6.2

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let tracing: Target.Dependency = .product(name: "Tracing", package: "swift-distributed-tracing")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

// What `--version` says beside the version; `make release` sets it. A build without it says that it does not know.
let build: [CSetting] = Context.environment["CARTSYNC_BUILD"].map { [.define("CARTSYNC_BUILD", to: "\"\($0)\"")] } ?? []

let package = Package(
    name: "cartsync",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "cartsync", targets: ["cartsync"])
    ],
    dependencies: [
        .package(url: "https://github.com/swiftcsv/SwiftCSV", from: "0.10.0"),
        .package(url: "https://github.com/CoreOffice/XMLCoder", from: "0.18.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        .executableTarget(
            name: "cartsync",
            dependencies: [
                "CartAssociations", "DurableFiles", "ExportFiles", "AssociationDiff", "Ledger", "CallPacing",
                "CommerceAPI",
                "SyncReporting", "SyncEngine", "ExportSources", "SyncService", "TraceExport", "CommerceSandbox",
                "CBuildFacts", "CProcess",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Yams", package: "Yams"),
                .product(name: "SystemPackage", package: "swift-system", condition: .when(platforms: [.linux])),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                lifecycle, log, tracing,
            ],
            swiftSettings: settings),
        .target(name: "CBuildFacts", cSettings: build),
        .target(name: "CProcess"),
        .target(
            name: "SyncService",
            dependencies: [
                "CartAssociations", "ExportFiles", "Ledger", "CallPacing", "DurableFiles", "SyncReporting",
                "SyncEngine", "ExportSources", "CProcess", hummingbird,
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"), lifecycle, log,
            ],
            // Files of the page, as `PackageResources`: one binary is all there is to install.
            resources: [.embedInCode("Status/Page")], swiftSettings: settings),
        .target(
            name: "SyncEngine",
            dependencies: [
                "CartAssociations", "DurableFiles", "ExportFiles", "AssociationDiff", "Ledger", "CallPacing",
                "CommerceAPI",
                "SyncReporting", .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Crypto", package: "swift-crypto"), log, tracing,
            ],
            swiftSettings: settings),
        .target(name: "CartAssociations", swiftSettings: settings),
        .target(name: "DurableFiles", dependencies: ["CProcess"], swiftSettings: settings),
        .target(
            name: "ExportFiles",
            dependencies: [
                "CartAssociations", "DurableFiles", "CLibArchive", "CLibXML2", "CProcess", "CRNP", "CZlib",
                .product(name: "SwiftCSV", package: "SwiftCSV"),
                .product(name: "XMLCoder", package: "XMLCoder"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: settings),
        .target(
            name: "AssociationDiff", dependencies: ["CartAssociations", "DurableFiles"], swiftSettings: settings),
        .target(
            name: "Ledger",
            dependencies: [
                "CartAssociations", "DurableFiles", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        .target(
            name: "CallPacing",
            dependencies: [
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ],
            swiftSettings: settings),
        .target(
            name: "ExportSources",
            dependencies: [
                "CallPacing", "DurableFiles", "CLibXML2",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system", condition: .when(platforms: [.linux])),
            ],
            swiftSettings: settings),
        .target(
            name: "TraceExport",
            dependencies: [
                "CallPacing", "ExportSources", .product(name: "DequeModule", package: "swift-collections"), tracing,
            ],
            swiftSettings: settings),
        .target(
            name: "CommerceAPI",
            dependencies: [
                "CartAssociations", "CallPacing", log, tracing,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: settings),
        .target(
            name: "SyncReporting",
            dependencies: [
                "CartAssociations", "CZlib", "DurableFiles",
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "Mustache", package: "swift-mustache"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            resources: [.embedInCode("Page/report.html"), .embedInCode("Page/report.css")], swiftSettings: settings),
        .target(
            name: "CommerceSandbox",
            dependencies: [
                hummingbird, .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "HashTreeCollections", package: "swift-collections"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"), lifecycle, log,
            ],
            swiftSettings: settings),
        .systemLibrary(
            name: "CLibArchive", pkgConfig: "libarchive",
            providers: [.apt(["libarchive-dev"]), .brew(["libarchive"])]),
        .systemLibrary(
            name: "CLibXML2", pkgConfig: "libxml-2.0",
            providers: [.apt(["libxml2-dev"]), .brew(["libxml2"])]),
        .systemLibrary(
            name: "CRNP", pkgConfig: "librnp",
            providers: [.apt(["librnp-dev"]), .brew(["rnp"])]),
        .systemLibrary(
            name: "CZlib", pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        // libFuzzer brings its main.
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CartAssociations", "CallPacing", "CommerceAPI", "DurableFiles", "ExportFiles", "ExportSources",
                "Ledger",
                "SyncEngine", "SyncReporting", "SyncService", "TestSupport", log,
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Yams", package: "Yams"),
            ],
            // Settings is a link to those of the program, which is no library; one of its files needs all the rest.
            path: "Tests/Fuzz", exclude: ["Corpus", "run", "words.dict", "Settings/ServiceSettings.swift"],
            swiftSettings: settings),
        .executableTarget(
            name: "measure-calls",
            dependencies: [
                "CartAssociations", "CallPacing", "CommerceAPI", "Ledger", "SyncReporting", log,
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            path: "Tests/Benchmarks/Calls", swiftSettings: settings),
        .executableTarget(
            name: "measure-reading", dependencies: ["CartAssociations", "ExportFiles"],
            path: "Tests/Benchmarks/Reading", swiftSettings: settings),
        .executableTarget(
            name: "measure-reports",
            dependencies: ["CartAssociations", "AssociationDiff", "Ledger", "SyncReporting", "TestSupport"],
            path: "Tests/Benchmarks/Reports", swiftSettings: settings),
        .target(
            name: "CFileCalls", path: "Tests/Worlds/FileCalls", publicHeadersPath: "include",
            cSettings: [.define("_GNU_SOURCE")]),
        .executableTarget(
            name: "worlds",
            dependencies: [
                "CFileCalls",
                "CartAssociations", "CallPacing", "CommerceAPI", "CommerceSandbox", "ExportFiles", "ExportSources",
                "Ledger", "SyncEngine", "SyncReporting", "SyncService", "TestSupport",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"), lifecycle, log,
            ],
            path: "Tests/Worlds", exclude: ["FileCalls"], swiftSettings: settings),
        .target(
            name: "TestSupport", dependencies: ["CallPacing"], path: "Tests/TestSupport", swiftSettings: settings),
        // Apart from TestSupport, which the fuzzer and the measurements use too, without a store.
        .target(
            name: "TestStore",
            dependencies: [
                "CartAssociations", "CommerceSandbox", "CommerceAPI", "CallPacing", "TestSupport", hummingbird,
                lifecycle, log,
            ],
            path: "Tests/TestStore", swiftSettings: settings),
        .testTarget(name: "DurableFilesTests", dependencies: ["DurableFiles", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "CartAssociationsTests", dependencies: ["CartAssociations", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "ExportFilesTests",
            dependencies: [
                "CartAssociations", "DurableFiles", "ExportFiles", .product(name: "SwiftCSV", package: "SwiftCSV"),
                "TestSupport",
            ],
            exclude: ["Fixtures"],
            swiftSettings: settings),
        .testTarget(
            name: "AssociationDiffTests",
            dependencies: ["CartAssociations", "DurableFiles", "AssociationDiff", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "LedgerTests",
            dependencies: [
                "CartAssociations", "Ledger", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"), "TestSupport",
            ],
            swiftSettings: settings),
        .testTarget(name: "CallPacingTests", dependencies: ["CallPacing", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "CommerceAPITests",
            dependencies: [
                "CommerceAPI", "CallPacing", "CartAssociations", "CommerceSandbox", "TestStore", "TestSupport", log,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            exclude: ["Fixtures"], swiftSettings: settings),
        .testTarget(
            name: "SyncReportingTests",
            dependencies: [
                "SyncReporting", "CartAssociations", "DurableFiles", "TestSupport",
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "SyncEngineTests",
            dependencies: [
                "SyncEngine", "CartAssociations", "ExportFiles", "Ledger", "CallPacing", "CommerceAPI", "SyncReporting",
                "CommerceSandbox", "TestStore", "TestSupport", log, .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"), tracing,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "SyncServiceTests",
            dependencies: [
                "SyncService", "ExportSources", "SyncEngine", "SyncReporting", "Ledger", "CommerceAPI", "CallPacing",
                "DurableFiles", "ExportFiles", "CartAssociations", "CommerceSandbox", "TestStore", "TestSupport",
                hummingbird,
                lifecycle,
                log,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ExportSourcesTests",
            dependencies: ["ExportSources", "CallPacing", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "TraceExportTests",
            dependencies: ["TraceExport", "ExportSources", "TestStore", "TestSupport", tracing],
            swiftSettings: settings),
        .testTarget(
            name: "CommerceSandboxTests", dependencies: ["CommerceSandbox", "TestSupport", lifecycle, log],
            swiftSettings: settings),
        .testTarget(
            name: "ProgramTests",
            dependencies: [
                "cartsync", "SyncEngine", "SyncReporting", "ExportFiles", "TestSupport", "CartAssociations",
                "CommerceAPI", "CallPacing", .product(name: "ArgumentParser", package: "swift-argument-parser"), log,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "cartsync", "CommerceSandbox", "TestStore", "TestSupport",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
    ]
)
