-- Which buttons Argo CD shows for an SSHCredential. `rotate` can be pressed where a raised serial gives another key at
-- once: the operator makes the keys, the key in use is well or waits for just that, and no other is announced or asked
-- for already.

local spec, status = obj.spec or {}, obj.status or {}
local ready = {}
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Ready" then
    ready = condition
  end
end

local asked, answered = (spec.rotation or {}).serial or 0, status.rotationSerial
local waits_for_it = ready.reason == "AlgorithmChanged" or ready.reason == "SourceChanged"
local can_rotate = spec.generate ~= nil
  and answered ~= nil
  and asked <= answered
  and status.next == nil
  and (ready.status == "True" or waits_for_it)
  and not spec.suspend
  and obj.metadata.deletionTimestamp == nil

return { rotate = { disabled = not can_rotate, displayName = "Replace the key" } }
