--- retry: which rejected candidates of a run are worth sending through the gates again (--retry-rejected).
---
--- Those that fell at a gate whose answer may be another now: the configuration, the phase or the data may
--- have changed. What could not be read, what was a double, and an answer in words that the phase itself had
--- judged stay as they are. Nothing is paid for them, but for a score where the configuration wants one.

local json = require "nlsql.json"

local retry = {}

--- Gates that may say something else today.
local MAY_CHANGE = { safe = true, grounded = true, untrue = true, explain = true, execute = true, answer = true,
  accept = true, review = true }

--- The candidate that a rejection keeps; nil where it keeps too little.
local function candidate_of(rejected, phase)
  if not rejected.question or rejected.question == "" then return nil end
  if rejected.sql then return { question = rejected.question, sql = rejected.sql } end
  local detail = rejected.detail and json.decode(rejected.detail)
  local answer = type(detail) == "table" and detail.answer
  if type(answer) ~= "string" or phase.run then return nil end
  return { question = rejected.question, answer = answer }
end

--- An item's rejections that are worth it, each with its candidate as `given`.
---@param phase nlsql.Phase
---@param rejections nlsql.RejectedBefore[]
---@return nlsql.RejectedBefore[]
function retry.worth(phase, rejections)
  local out = {}
  for _, one in ipairs(rejections) do
    one.given = MAY_CHANGE[one.gate] and candidate_of(one, phase)
    if one.given then out[#out + 1] = one end
  end
  return out
end

return retry
