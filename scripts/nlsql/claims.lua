--- claims: are the things that a text says of the schema true?

local claims = {}

--- true, or nil, the gate and a sentence.
---@return true?, string?, string?
function claims.check() return true end

return claims
