@main
struct Tributary {
  static func main() { print("tributary") }
}
