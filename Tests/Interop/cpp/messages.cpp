// What is sent and what is accepted: the requests from the flags, and the driver's own rules for an answer.

#include <fstream>
#include <iterator>
#include <sstream>

#include "driver.h"

namespace {

/// The status codes as the specification writes them, by number.
const char* const codeNames[] = {
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
};

std::string codeName(const grpc::Status& status) {
    const auto code = static_cast<std::size_t>(status.error_code());
    return code < std::size(codeNames) ? codeNames[code] : "code " + std::to_string(code);
}

std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw Failure("cannot read " + path);
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Whether the driver takes the path: relative, in its shortest form, inside the volume.
bool isValidPath(const std::string& path) {
    if (path.empty() || path.size() > 4096 || path.back() == '/' || path.compare(0, 2, "..") == 0) {
        return false;
    }
    std::istringstream elements(path);
    for (std::string element; std::getline(elements, element, '/');) {
        if (element.empty() || element.size() > 255 || element == "." || element == "..") {
            return false;
        }
    }
    return true;
}

}  // namespace

std::vector<v1alpha1::MountRequest> requests(const Options& options) {
    std::vector<v1alpha1::MountRequest> result;
    for (const auto& file : options.attributeFiles) {
        v1alpha1::MountRequest request;
        request.set_attributes(contents(file));
        request.set_secrets(options.secrets);
        request.set_permission(options.permission);
        if (result.size() < options.targetPaths.size()) {
            request.set_target_path(options.targetPaths[result.size()]);
        }
        result.push_back(std::move(request));
    }
    if (result.empty()) {
        throw Failure("--attributes-file is needed");
    }
    return result;
}

v1alpha1::MountRequest padded(v1alpha1::MountRequest request, std::size_t size) {
    std::string text = request.attributes().substr(0, request.attributes().rfind('}')) + ",\"padding\":\"";
    if (text.size() + 2 > size) {
        throw Failure("the attributes have more than " + std::to_string(size) + " bytes already");
    }
    text.resize(size - 2, 'x');
    request.set_attributes(text + "\"}");
    return request;
}

void checkAnswer(const v1alpha1::MountResponse& answer) {
    if (!answer.error().code().empty()) {
        throw Failure("the answer holds the error code " + answer.error().code());
    }
    if (answer.object_version().empty()) {
        throw Failure("the answer has no object version");
    }
    if (answer.files().empty()) {
        throw Failure("the answer has no file");
    }
    for (const auto& file : answer.files()) {
        if (!isValidPath(file.path())) {
            throw Failure("the driver refuses the path " + file.path());
        }
        if (file.mode() <= 0 || file.mode() > 0777) {
            throw Failure("the file " + file.path() + " has the mode " + std::to_string(file.mode()));
        }
    }
}

void checkRefusal(const grpc::Status& status, const Options& options) {
    switch (status.error_code()) {
        case grpc::StatusCode::OK:
            throw Failure("the call was answered, not refused");
        case grpc::StatusCode::CANCELLED:
        case grpc::StatusCode::DEADLINE_EXCEEDED:
        case grpc::StatusCode::UNAVAILABLE:
        case grpc::StatusCode::RESOURCE_EXHAUSTED:
        case grpc::StatusCode::ABORTED:
            throw Failure("the code is not final: " + describe(status));
        default:
            break;
    }
    const auto text = status.error_message();
    if (text.empty() || text.find_first_of("\r\n") != std::string::npos) {
        throw Failure("the text is not one line: " + describe(status));
    }
    checkExpected(status, options);
}

void checkExpected(const grpc::Status& status, const Options& options) {
    const auto code = "," + codeName(status) + ",";
    if (!options.expectCode.empty() && ("," + options.expectCode + ",").find(code) == std::string::npos) {
        throw Failure("not " + options.expectCode + " but " + describe(status));
    }
    for (const auto& text : options.expectTexts) {
        if (status.error_message().find(text) == std::string::npos) {
            throw Failure("the text lacks \"" + text + "\": " + describe(status));
        }
    }
}

std::string describe(const grpc::Status& status) {
    std::string text = codeName(status) + ": ";
    for (const char character : status.error_message()) {
        text += character == '\n' ? "\\n" : character == '\r' ? "\\r" : std::string(1, character);
    }
    return text;
}
