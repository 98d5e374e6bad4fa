import CartAssociations
import ExportFiles

/// Reads an export and takes the fingerprint of each usable record, and does nothing else with it.
///
///     measure-reading EXPORT    prints the number of fingerprints and all of them added up
guard CommandLine.arguments.count == 2 else { fatalError("usage: measure-reading EXPORT") }
guard let key = FingerprintKey([UInt8](repeating: 7, count: FingerprintKey.byteCount)) else { fatalError("no key") }
let file = try ExportFile.open(CommandLine.arguments[1], spoolFolder: "")
var reading = try ExportReader().read(file)
var sum: UInt64 = 0
var count = 0
while let batch = try reading.next() {
    let text = batch.text.span
    for record in batch.records {
        guard let statement = record.statement else { continue }
        let fingerprint = key.fingerprint(
            statement.kind, owner: text.extracting(statement.owner.range), cart: text.extracting(statement.cart.range))
        sum &+= fingerprint.high ^ fingerprint.low
        count += 1
    }
}
print(count, sum)
