// What a request's head may look like.
import Testing

@testable import AdminHTTP

@Suite struct HeadTests {}
