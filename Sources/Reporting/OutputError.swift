import Glibc

/// Why results could not be written: always something outside the simulation.
public enum OutputError: Error, Equatable, CustomStringConvertible {
  /// The path given for the results names no folder one can make: empty, `.`, `..` or the root.
  case unusableName(path: String)
  /// The folder that should hold the results does not exist.
  case missingParent(path: String)
  /// Something that is not a folder stands where the results should go.
  case notFolder(path: String)
  /// The folder to be replaced holds something that is no result file.
  case foreignEntry(path: String, entry: String)
  /// Another run is writing there.
  case locked(path: String)
  /// The operating system refused; `code` is its error number.
  case system(action: String, path: String, code: Int32)
  /// The index of results refused.
  case index(path: String, reason: String)
  /// There is no result folder at the path.
  case notResult(path: String)
  /// A result folder cannot be read back.
  case unreadable(path: String, reason: String)

  public var description: String {
    switch self {
    case .unusableName(let path):
      return "'\(path)' cannot be a result folder; name a folder of its own"
    case .missingParent(let path):
      return "\(path): no such folder; create it first or choose another output folder"
    case .notFolder(let path):
      return "\(path): is not a folder; choose another output folder"
    case .foreignEntry(let path, let entry):
      return "\(path): holds '\(entry)', which is not a result file and would be lost; "
        + "move it or choose another output folder"
    case .locked(let path):
      return "\(path): another run is writing there; wait for it or choose another output folder"
    case .system(let action, let path, let code):
      return "\(path): cannot \(action): \(Self.sentence(code))"
    case .index(let path, let reason):
      return "\(path): \(reason); remove it and rebuild it from the result folders"
    case .notResult(let path):
      return "\(path): is no result folder: it has no manifest.json"
    case .unreadable(let path, let reason):
      return "\(path): \(reason)"
    }
  }

  private static func sentence(_ code: Int32) -> String {
    switch code {
    case ENOSPC: "no space left on the disk"
    case EDQUOT: "disk quota exceeded"
    case EACCES, EPERM: "permission denied"
    case EROFS: "the file system is read-only"
    case ENOENT: "no such file or folder"
    case ENOTDIR: "a part of the path is not a folder"
    case ENAMETOOLONG: "the name is too long"
    case EIO: "the disk reports an error"
    default: "system error \(code)"
    }
  }
}
