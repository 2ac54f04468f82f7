-- Argo CD's health of an SSHCredential, SSHCredentialExport or SSHTarget: green only when the operator has answered the
-- present spec. docs/gitops.md says how to install it. Argo CD gives `obj`; the words for `status` are its own.

local spec, status = obj.spec or {}, obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready = conditions.Ready or {}

local function is_true(kind)
  local condition = conditions[kind]
  return condition ~= nil and condition.status == "True" and condition.observedGeneration == obj.metadata.generation
end

if obj.metadata.deletionTimestamp ~= nil then
  return { status = "Progressing", message = "It is being deleted." }
end
if is_true("Stalled") then
  return { status = "Degraded", message = conditions.Stalled.message }
end
-- An export has no such field: it rests with its credential.
if spec.suspend or (spec.suspend == nil and ready.reason == "Suspended") then
  return { status = "Suspended", message = "Nothing is changed while spec.suspend of the credential is true." }
end
if status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "The operator has not answered this spec yet." }
end
if is_true("Reconciling") then
  return { status = "Progressing", message = conditions.Reconciling.message }
end
if is_true("Ready") then
  return { status = "Healthy", message = ready.message }
end
return { status = "Progressing", message = ready.message or "The operator is not done yet." }
