// The one list of the token stores that come with Daypass.

package import TokenStore

/// The token stores that come with Daypass. A new one is a folder beside this file and a line in ``all``.
package enum BuiltinStores {
    /// The stores, in the order in which documents name them.
    package static let all: [any TokenStore.Type] = [
        GitHubAppStore.self,
        GitLabStore.self,
        GiteaStore.self,
        BitbucketCloudStore.self,
        BitbucketDataCenterStore.self,
        OctoSTSStore.self,
        ECRStore.self,
        ECRPublicStore.self,
        CodeCommitStore.self,
        GoogleArtifactRegistryStore.self,
        AzureContainerRegistryStore.self,
        OCIRegistryStore.self,
        HarborStore.self,
        QuayStore.self,
        VaultStore.self,
        VaultKVStore.self,
        TokenExchangeStore.self,
        OAuthClientCredentialsStore.self,
        ExecStore.self,
        FileStore.self,
    ]
}
