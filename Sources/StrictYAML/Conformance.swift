// A value that is decoded as it is, to be looked at later.

extension YAMLValue: Decodable {
    /// Takes the value as it is. Works with this module's own decoding only.
    package init(from decoder: any Decoder) throws {
        guard let decoder = decoder as? ValueDecoder else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "a YAMLValue can be decoded from YAML only")
            )
        }
        self = decoder.value
    }
}
