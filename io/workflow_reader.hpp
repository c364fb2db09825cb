#pragma once

#include "maze/io/document.hpp"

namespace maze::io {

/// Reads a document as a workflow. What is wrong is reported to `found`; the workflow returned is
/// complete only if nothing was.
core::workflow read_workflow_document(findings& found, const document_node& root);

} // namespace maze::io
