import Foundation

/// Reads exports that were changed at random, and stops at the first that breaks a promise of the reader.
///
///     fuzz-exports SAMPLES... [--key FILE] [--seconds N] [--seed N] [--input FILE]
///
/// The key opens samples that are sealed.
/// The input that is being read lies in `fuzz-input` in the current folder, and stays there after a crash.

var arguments = Array(CommandLine.arguments.dropFirst())

/// Takes an option and its value out of the arguments.
func option(_ name: String, in arguments: inout [String]) -> String? {
    guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count else { return nil }
    let value = arguments[index + 1]
    arguments.removeSubrange(index...index + 1)
    return value
}

let seconds = option("--seconds", in: &arguments).flatMap(Double.init) ?? 60
let seed = option("--seed", in: &arguments).flatMap(UInt64.init) ?? UInt64.random(in: .min ... .max)
let input = option("--input", in: &arguments)
let key = option("--key", in: &arguments)

guard !arguments.isEmpty else {
    print("usage: fuzz-exports SAMPLES... [--key FILE] [--seconds N] [--seed N] [--input FILE]")
    exit(64)
}

do {
    let promises = try Promises(
        inputPath: FileManager.default.currentDirectoryPath + "/fuzz-input",
        key: try key.map { try String(contentsOfFile: $0, encoding: .utf8) })
    if let input {
        try promises.check(Array(Data(contentsOf: URL(filePath: input))))
        print("\(input) breaks no promise")
        exit(0)
    }
    var mutator = try Mutator(corpus: arguments, seed: seed)
    print("fuzzing for \(Int(seconds)) s from \(mutator.corpus.count) samples, seed \(seed)")
    let start = Date()
    var rounds = 0
    while Date().timeIntervalSince(start) < seconds {
        try promises.check(mutator.next())
        rounds += 1
    }
    promises.removeInput()
    print("\(rounds) inputs: \(promises.accepted) read, \(promises.refused) refused, no promise broken")
} catch {
    print("seed \(seed): \(error)")
    exit(1)
}
