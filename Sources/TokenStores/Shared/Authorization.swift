// The short name by which the stores know AuthorizationField.

import TokenStore

typealias Authorization = AuthorizationField
