import Glibc

/// How a file gets onto the disk, whole; replaceable, so that a full disk can be had at will.
public struct FileWriter: Sendable {
  /// Writes all bytes to the file at a path, replacing it, and makes them durable.
  public var write: @Sendable (_ bytes: [UInt8], _ path: String) throws(OutputError) -> Void

  public init(
    _ write: @escaping @Sendable (_ bytes: [UInt8], _ path: String) throws(OutputError) -> Void
  ) {
    self.write = write
  }

  /// The operating system's file system.
  public static let disk = FileWriter { (bytes, path) throws(OutputError) in
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw .system(action: "write", path: path, code: errno) }
    var code: Int32 = 0
    bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let count = Glibc.write(file, buffer.baseAddress! + done, buffer.count - done)
        if count >= 0 {
          done += count
        } else if errno != EINTR {
          code = errno
          return
        }
      }
      if fsync(file) != 0 { code = errno }
    }
    // A network file system may report a full disk only now.
    if close(file) != 0, code == 0 { code = errno }
    guard code == 0 else { throw .system(action: "write", path: path, code: code) }
  }
}

/// The few operations on folders that results need, with typed errors.
enum FileSystem {
  enum Kind { case nothing, folder, other }

  static func kind(_ path: String) -> Kind {
    var info = stat()
    guard stat(path, &info) == 0 else { return .nothing }
    return info.st_mode & S_IFMT == S_IFDIR ? .folder : .other
  }

  static func makeFolder(_ path: String) throws(OutputError) {
    guard mkdir(path, 0o755) == 0 || (errno == EEXIST && kind(path) == .folder) else {
      if errno == EEXIST { throw .notFolder(path: path) }
      throw .system(action: "create the folder", path: path, code: errno)
    }
  }

  /// Names in the folder, sorted.
  static func list(_ path: String) throws(OutputError) -> [String] {
    guard let folder = opendir(path) else {
      throw .system(action: "read the folder", path: path, code: errno)
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  static func read(_ path: String) throws(OutputError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw .system(action: "read", path: path, code: errno) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(file, &chunk, chunk.count)
      if count == 0 { return bytes }
      if count > 0 {
        bytes.append(contentsOf: chunk[..<count])
      } else if errno != EINTR {
        throw .system(action: "read", path: path, code: errno)
      }
    }
  }

  static func move(_ from: String, to: String) throws(OutputError) {
    guard rename(from, to) == 0 else { throw .system(action: "write", path: to, code: errno) }
  }

  /// Removes a file, a link or a folder with all it holds; nothing there is fine.
  static func remove(_ path: String) throws(OutputError) {
    var info = stat()
    guard lstat(path, &info) == 0 else { return }
    if info.st_mode & S_IFMT == S_IFDIR {
      for name in try list(path) { try remove(path + "/" + name) }
      guard rmdir(path) == 0 else { throw .system(action: "remove", path: path, code: errno) }
    } else {
      guard unlink(path) == 0 else { throw .system(action: "remove", path: path, code: errno) }
    }
  }

  /// Makes renames inside the folder durable; not every file system can, so failure is no error.
  static func settle(_ path: String) {
    let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }

  /// Folder and last component of a path without trailing slashes.
  static func split(_ path: String) -> (parent: String, name: String) {
    var trimmed = Substring(path)
    while trimmed.count > 1, trimmed.last == "/" { trimmed.removeLast() }
    guard let slash = trimmed.lastIndex(of: "/") else { return (".", String(trimmed)) }
    let parent = trimmed[..<slash]
    return (
      parent.isEmpty ? "/" : String(parent), String(trimmed[trimmed.index(after: slash)...])
    )
  }
}

/// An advisory lock on a file, held until the value goes; the system frees it if the process dies.
final class FolderLock: Sendable {
  private let file: Int32

  /// Takes the lock of `folder`, which must exist.
  init(folder: String) throws(OutputError) {
    let path = folder + "/lock"
    while true {
      let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
      guard file >= 0 else { throw .system(action: "write", path: path, code: errno) }
      guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
        let code = errno
        close(file)
        if code == EWOULDBLOCK { throw .locked(path: folder) }
        throw .system(action: "lock", path: path, code: code)
      }
      var mine = stat()
      var there = stat()
      if fstat(file, &mine) == 0, stat(path, &there) == 0, mine.st_ino == there.st_ino {
        self.file = file
        return
      }
      // The run that held it removed the file between our opening and locking it.
      close(file)
      try FileSystem.makeFolder(folder)
    }
  }

  deinit { close(file) }
}
