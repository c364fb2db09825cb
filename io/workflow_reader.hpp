#pragma once

#include "maze/core/workflow.hpp"
#include "maze/io/document.hpp"

#include <filesystem>

namespace maze::io {

/// Reads a document as a workflow. What is wrong is reported to `found`; the workflow returned is
/// complete only if nothing was. Where `folder` is given, the libraries must lie there.
core::workflow read_workflow_document(findings& found, const document_node& root,
                                      const std::filesystem::path* folder = nullptr);

} // namespace maze::io
