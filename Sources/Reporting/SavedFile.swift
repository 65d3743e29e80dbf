/// A single file that a user asked for, beside result folders.
public enum SavedFile {
  /// Writes `text` to the file at `path`: under another name first, then renamed, so that nothing
  /// half-written stands under its own.
  ///
  /// - Parameter makesFolders: missing folders of the path are made.
  public static func write(
    _ text: String, to path: String, makesFolders: Bool = false, with writer: FileWriter = .disk
  ) throws(OutputError) {
    if makesFolders { try makeFolders(FileSystem.split(path).parent) }
    let partial = path + ".partial"
    do throws(OutputError) {
      try writer.write(Array(text.utf8), partial)
    } catch {
      try? FileSystem.remove(partial)
      throw error
    }
    try FileSystem.move(partial, to: path)
  }

  private static func makeFolders(_ path: String) throws(OutputError) {
    guard !path.isEmpty, FileSystem.kind(path) == .nothing else { return }
    let parent = FileSystem.split(path).parent
    if parent != path { try makeFolders(parent) }
    try FileSystem.makeFolder(path)
  }
}
