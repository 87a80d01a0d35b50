// What a store makes of an ask, whoever asks: unknown permissions and actions, repositories that it can't read.

package import MountRequests
package import Refusals
import TokenStore

extension StoreFacts {
    /// A permission or an action of the ask that the store does not know.
    func unknownWords(in ask: TokenAsk, _ texts: RefusalTexts) -> [Refusal] {
        let permissions = knownPermissions.isEmpty ? [] : ask.permissions.keys.filter { !knownPermissions.contains($0) }
        return permissions.sorted().map { texts.permissionUnknown($0, known: knownPermissions) }
            + ask.actions.subtracting(knownActions).sorted().map { texts.actionUnknown($0, known: knownActions) }
    }
}

extension ConfiguredStore {
    /// What a Mount with this ask would be refused for, whoever asks: for checks without a Pod. A repository that is
    /// still a `${key}` is not judged.
    package func refusals(of ask: TokenAsk) -> [Refusal] {
        let nobody = Subject(namespace: "", serviceAccount: "", podName: "", podUID: "")
        let texts = RefusalTexts(ask, nobody)
        var refusals = facts.unknownWords(in: ask, texts)
        for (index, reference) in ask.repositories.enumerated() where !AttributeReference.isOne(reference) {
            do { _ = try service.repository(reference) } catch {
                refusals.append(texts.repositoryInvalid(at: index, error))
            }
        }
        return refusals
    }
}
