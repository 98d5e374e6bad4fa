#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A temporary file without a name: it disappears with the process, however that ends.
///
/// Every function throws a `FileError` that names the folder.
package final class SpillFile: Sendable {
    private let file: OpenFile

    package init(folder: String) throws(FileError) {
        file = try OpenFile(unnamedIn: folder)
    }

    package func write(_ bytes: RawSpan, at offset: Int) throws(FileError) {
        do {
            try file.write(bytes, at: offset)
        } catch {
            throw FileError(file.path, .spill, code: error.code)
        }
    }

    /// Fills the whole buffer; fails with `EIO` if the file ends before.
    package func read(into bytes: inout MutableRawSpan, at offset: Int) throws(FileError) {
        let wanted = bytes.byteCount
        do throws(FileError) {
            guard try file.read(into: &bytes, at: offset) == wanted else {
                throw FileError(file.path, .readSpilled, code: EIO)
            }
        } catch {
            throw FileError(file.path, .readSpilled, code: error.code)
        }
    }
}
